// A page that books, moves and cancels.

import { Clinic, Problem } from "./clinic.js";

const { connection, patient, slots, appointments } = Object.fromEntries(
  ["connection", "patient", "slots", "appointments"].map((id) => [id, document.getElementById(id)]),
);
let clinic;
/** The appointment that the next click on a slot moves; without one, it books. */
let moving;

connection.addEventListener("submit", (event) => {
  event.preventDefault();
  clinic = new Clinic(connection.url.value, connection.credential.value);
  act(async () => {
    await showAppointments();
    for (const section of document.querySelectorAll("section")) section.hidden = false;
    await showSlots();
    return "Connected.";
  });
});
patient.addEventListener("submit", (event) => event.preventDefault());
patient.day.addEventListener("change", () => {
  // Nobody is to book a time of the day before it.
  slots.replaceChildren();
  act(showSlots);
});
document.getElementById("refresh").addEventListener("click", () => act(showAll));
patient.day.valueAsNumber = Date.now() + 24 * 60 * 60 * 1000;

/** Does what was clicked and says what came of it. */
async function act(deed) {
  say("", "");
  try {
    const news = await deed();
    // Who has nothing to say leaves what another deed has said meanwhile.
    if (news) say(news, "");
  } catch (fault) {
    // What stands there may be why it failed.
    if (fault instanceof Problem && clinic && fault.status !== 401) await showAll().catch(() => {});
    say("", inWords(fault));
  }
}

/** What a click on a slot does. */
async function choose(slot) {
  if (moving) {
    const appointment = moving;
    moving = undefined;
    await clinic.move(appointment, slot);
    await showAll();
    return `Moved to ${clock(slot.starts_at)}.`;
  }
  if (!patient.reportValidity()) return undefined;
  const given = [...new FormData(patient)].filter(([name, value]) => name !== "day" && value.trim() !== "");
  const booked = await clinic.book({ ...Object.fromEntries(given), ...slot });
  await showAll();
  return `Booked for ${booked.patient_name} at ${clock(booked.starts_at)}.`;
}

async function cancel(appointment) {
  await clinic.cancel(appointment);
  await showAll();
  return `Cancelled: ${appointment.title}.`;
}

function startMoving(appointment) {
  moving = appointment;
  return `Choose a new time for ${appointment.patient_name}.`;
}

async function showAll() {
  await Promise.all([showSlots(), showAppointments()]);
}

async function showSlots() {
  const day = patient.day.value;
  const free = await clinic.freeSlots(day);
  // Another day may have been chosen meanwhile.
  if (day !== patient.day.value) return;
  const buttons = free.map((slot) => button(slot.starts_at.slice(11, 16), () => choose(slot)));
  slots.replaceChildren(...(buttons.length > 0 ? buttons : ["No time is free on this day."]));
}

async function showAppointments() {
  const upcoming = await clinic.upcoming();
  const rows = upcoming.map((appointment) => {
    const row = document.createElement("tr");
    row.append(
      cell(clock(appointment.starts_at)),
      cell(appointment.title),
      cell({ pending: "on its way to Google", synced: "in Google Calendar" }[appointment.calendar_sync.state] ?? "not in Google"),
      cell(button("Move", () => startMoving(appointment))),
      cell(button("Cancel", () => cancel(appointment))),
    );
    return row;
  });
  appointments.replaceChildren(...rows);
}

function inWords(fault) {
  if (!(fault instanceof Problem)) {
    return `No answer came from the API. Does it run, and does its ALLOWED_ORIGINS name ${location.origin}?`;
  }
  switch (fault.code) {
    case "slot_taken":
      return "This time has just been taken. Please choose another.";
    case "version_conflict":
      return "Somebody changed this appointment meanwhile. Here it is as it stands now.";
    case "unauthorized":
      return "The key or token is not good, or no longer.";
    case "validation_failed":
      return fault.errors.map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}`).join("\n");
    default:
      return fault.message;
  }
}

/** "2030-01-07 09:00", on the clinic's clock: the times of the API bear its offset. */
function clock(time) {
  return time.slice(0, 16).replace("T", " ");
}

function say(news, trouble) {
  document.querySelector("[role=status]").textContent = news;
  document.querySelector("[role=alert]").textContent = trouble;
}

function button(text, deed) {
  const button = document.createElement("button");
  button.textContent = text;
  button.addEventListener("click", () => act(deed));
  return button;
}

function cell(content) {
  const cell = document.createElement("td");
  cell.append(content);
  return cell;
}
