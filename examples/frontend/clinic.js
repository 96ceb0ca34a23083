// The API as a browser calls it: copy this file into a frontend.

const MOST_TRIES = 3;

/** An answer that is not what was asked for. `code` is for programs, `detail` for people. */
export class Problem extends Error {
  constructor(response, body) {
    super(body.detail ?? `The API answered ${response.status}.`);
    this.status = response.status;
    this.code = body.code;
    /** What is wrong with which field: `[{ pointer: "/starts_at", detail: "..." }]`. */
    this.errors = body.errors ?? [];
    /** Seconds after which the same request may succeed. */
    this.retryAfter = Number(response.headers.get("Retry-After")) || undefined;
    /** What to tell whoever reads the API's logs. */
    this.requestId = response.headers.get("x-request-id");
  }
}

export class Clinic {
  #url;
  #credential;
  #keys = new Map();

  /** `credential` is a token of the clinic's issuer, or, on your own machine, an API key. */
  constructor(url, credential) {
    this.#url = url;
    this.#credential = credential;
  }

  /** The free slots of a day, such as "2030-01-07", on the clinic's clock. */
  async freeSlots(day) {
    // Wherever the clinic is, its day lies between the day's start in the east and its end in the west.
    const window = { from: `${day}T00:00:00+14:00`, to: `${day}T23:59:59-12:00`, step_minutes: 30 };
    const { slots } = await this.#send("GET", `availability?${new URLSearchParams(window)}`);
    return slots.filter((slot) => slot.starts_at.startsWith(day));
  }

  /** What is booked from now on, in the order of time. */
  async upcoming() {
    const appointments = [];
    const query = new URLSearchParams({ status: "scheduled", from: new Date().toISOString() });
    for (;;) {
      const page = await this.#send("GET", `appointments?${query}`);
      appointments.push(...page.items);
      if (page.next_cursor === null) return appointments;
      query.set("cursor", page.next_cursor);
    }
  }

  book(booking) {
    return this.#once("appointments", booking);
  }

  /** Refused with `version_conflict` when the appointment is no longer as the caller saw it. */
  move(appointment, slot) {
    return this.#send("PATCH", `appointments/${appointment.id}`, slot, asSeen(appointment));
  }

  cancel(appointment) {
    return this.#once(`appointments/${appointment.id}/cancel`, {}, asSeen(appointment));
  }

  /** Posts what must happen once, however often the button is clicked and whatever gets lost on the way. */
  async #once(path, body, headers) {
    const request = path + JSON.stringify(body);
    if (!this.#keys.has(request)) this.#keys.set(request, crypto.randomUUID());
    const key = { ...headers, "Idempotency-Key": this.#keys.get(request) };
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await this.#send("POST", path, body, key);
        // The same again would be another wish.
        this.#keys.delete(request);
        return answer;
      } catch (fault) {
        const seconds = fault instanceof Problem ? fault.retryAfter : tries;
        if (seconds === undefined || tries === MOST_TRIES) throw fault;
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      }
    }
  }

  async #send(method, path, body, headers) {
    const response = await fetch(new URL(path, this.#url), {
      method,
      headers: {
        Authorization: `Bearer ${this.#credential}`,
        ...(body && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    });
    if (response.ok) return response.json();
    throw new Problem(response, await response.json().catch(() => ({})));
  }
}

function asSeen(appointment) {
  return { "If-Match": `"${appointment.version}"` };
}
