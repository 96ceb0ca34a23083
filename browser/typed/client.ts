// A client as a frontend would write it on the generated types: nothing is asserted, nothing is cast.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api.js";

export type Appointment = components["schemas"]["Appointment"];
export type Booking = components["schemas"]["Booking"];
export type Slot = components["schemas"]["Slot"];
export type Clinic = Client<paths>;

/** What came of a booking or a change. */
export type Outcome =
  | { is: "done"; appointment: Appointment }
  | { is: "taken" }
  | { is: "changed meanwhile" }
  | { is: "cancelled already" }
  | { is: "not acceptable"; fields: string[] }
  | { is: "not there" }
  | { is: "not allowed" }
  | { is: "for later"; seconds: number };

export function clinicAt(baseUrl: string, key: string): Clinic {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
}

export async function freeSlots(clinic: Clinic, from: string, to: string): Promise<Slot[]> {
  const { data, error } = await clinic.GET("/availability", { params: { query: { from, to, step_minutes: 30 } } });
  if (error) throw new Error(error.detail);
  return data.slots;
}

export async function book(clinic: Clinic, patient: string, slot: Slot, key: string): Promise<Outcome> {
  const { data, error, response } = await clinic.POST("/appointments", {
    params: { header: { "Idempotency-Key": key } },
    // openapi-fetch alone would let a field pass that there is not.
    body: { patient_name: patient, ...slot } satisfies Booking,
  });
  if (data) return { is: "done", appointment: data };
  switch (error.code) {
    case "slot_taken":
      return { is: "taken" };
    case "validation_failed":
      return { is: "not acceptable", fields: error.errors?.map(({ pointer }) => pointer) ?? [] };
    case "unauthorized":
    case "missing_scope":
      return { is: "not allowed" };
    case "idempotency_key_in_progress":
    case "database_busy":
    case "database_unavailable":
    case "token_issuer_unreachable":
      return { is: "for later", seconds: Number(response.headers.get("Retry-After")) };
    case "idempotency_key_reused":
    case "malformed_idempotency_key":
    case "malformed_json":
    case "malformed_query":
    case "too_many_parameters":
    case "body_too_large":
    case "unsupported_media_type":
    case "internal_error":
      throw new Error(error.detail);
    default:
      return unheardOf(error);
  }
}

export async function upcoming(clinic: Clinic, from: string): Promise<Appointment[]> {
  const found: Appointment[] = [];
  let cursor: string | null = null;
  do {
    const query: { status: "scheduled"; from: string; cursor?: string } = { status: "scheduled", from };
    if (cursor !== null) query.cursor = cursor;
    const { data, error } = await clinic.GET("/appointments", { params: { query } });
    if (error) throw new Error(error.detail);
    found.push(...data.items);
    cursor = data.next_cursor;
  } while (cursor !== null);
  return found;
}

export async function reschedule(clinic: Clinic, { id, version }: Appointment, slot: Slot): Promise<Outcome> {
  const { data, error, response } = await clinic.POST("/appointments/{id}/reschedule", {
    params: { path: { id }, header: { "If-Match": `"${version}"` } },
    body: slot,
  });
  if (data) return { is: "done", appointment: data };
  switch (error.code) {
    case "slot_taken":
      return { is: "taken" };
    case "version_conflict":
      return { is: "changed meanwhile" };
    case "appointment_cancelled":
      return { is: "cancelled already" };
    case "not_found":
      return { is: "not there" };
    case "validation_failed":
      return { is: "not acceptable", fields: error.errors?.map(({ pointer }) => pointer) ?? [] };
    case "unauthorized":
    case "missing_scope":
      return { is: "not allowed" };
    case "idempotency_key_in_progress":
    case "database_busy":
    case "database_unavailable":
    case "token_issuer_unreachable":
      return { is: "for later", seconds: Number(response.headers.get("Retry-After")) };
    case "idempotency_key_reused":
    case "malformed_idempotency_key":
    case "malformed_json":
    case "malformed_query":
    case "too_many_parameters":
    case "body_too_large":
    case "unsupported_media_type":
    case "internal_error":
      throw new Error(error.detail);
    default:
      return unheardOf(error);
  }
}

/** The appointment as it is then. */
export async function cancel(clinic: Clinic, { id }: Appointment, reason: string): Promise<Appointment> {
  const { data, error } = await clinic.POST("/appointments/{id}/cancel", { params: { path: { id } }, body: { reason } });
  if (error) throw new Error(`${error.code}: ${error.detail}`);
  return data;
}

/** Compiles only where every code has its case. */
function unheardOf(error: never): never {
  throw new Error(`an answer that the document does not name: ${JSON.stringify(error)}`);
}
