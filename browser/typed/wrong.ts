// What must not compile: tsc complains about each of these expectations that is not met. Nothing here is ever run.

import type { Appointment, Booking, Clinic } from "./client.js";

export async function wrong(clinic: Clinic, appointment: Appointment) {
  const [starts_at, path] = [appointment.starts_at, { id: appointment.id }];
  // @ts-expect-error: no such field
  const booking: Booking = { patient_name: "A. Khan", starts_at, colour: "red" };
  // @ts-expect-error: no such value
  await clinic.POST("/appointments", { body: { ...booking, duration_minutes: "half an hour" } });
  // @ts-expect-error: a required field is missing
  await clinic.POST("/appointments", { body: { starts_at } });
  // @ts-expect-error: a name is never null
  await clinic.PATCH("/appointments/{id}", { params: { path }, body: { patient_name: null } });
  // @ts-expect-error: cancelling is another request
  await clinic.PATCH("/appointments/{id}", { params: { path }, body: { status: "cancelled" } });
  // @ts-expect-error: no such path
  await clinic.GET("/appointment");
  // @ts-expect-error: the window has no end
  await clinic.GET("/availability", { params: { query: { from: starts_at } } });
  // @ts-expect-error: not every patient has a phone
  appointment.patient_phone.length;
  const { error } = await clinic.GET("/appointments/{id}", { params: { path } });
  // @ts-expect-error: reading refuses no slot
  if (error?.code === "slot_taken") return;
}
