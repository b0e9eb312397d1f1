// Answers, from the program that serves this page or, in a report, from the page itself: nothing else knows which.

const embedded = JSON.parse(document.getElementById("embedded").textContent);
const is_live = embedded === null;
const unanswered = (sentence) => Object.assign(new Error(sentence), { sentence });

const query_text = (query) => {
  const words = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return words.length ? `?${new URLSearchParams(words)}` : "";
};

const fetched = async (path, query) => {
  const answer = await fetch(path + query_text(query)).catch(() => {
    throw unanswered("`marginalia serve` does not answer: it has ended, or this machine is not connected to it");
  });
  const body = await answer.json().catch(() => null);
  if (!answer.ok || body === null) throw unanswered(body?.error || `${path}: ${answer.status} ${answer.statusText}`);
  return body;
};

const from_report = {
  "/api/curves": ({ metric, trials }) => {
    const all = embedded.curves?.[metric] || {};
    return {
      metric,
      curves: Object.fromEntries(
        trials
          .split(",")
          .filter((id) => id in all)
          .map((id) => [id, all[id]]),
      ),
    };
  },
  "/api/samples": ({ trials }) => {
    const all = embedded.samples || {};
    return {
      samples: Object.fromEntries(
        trials
          .split(",")
          .filter((id) => id in all)
          .map((id) => [id, all[id]]),
      ),
    };
  },
  "/api/trial": ({ id }) => embedded.details[id],
};
const in_report = (path, query) => {
  if (from_report[path]) return from_report[path](query);
  for (const [asked, answer] of Object.entries(embedded.answers)) {
    const [name, words] = asked.split("?");
    if (name === path && (!query.name || new URLSearchParams(words).get("name") === query.name)) return answer;
  }
  throw unanswered("this report does not have that");
};

const ask = async (path, query = {}) => (is_live ? fetched(path, query) : in_report(path, query));

// Does what is asked for again and again one by one, with a pause after each that is longer the longer it took.
const one_by_one = (act) => {
  let busy = false,
    wanted = false;
  const go = async () => {
    wanted = busy;
    if (busy) return;
    busy = true;
    const before = performance.now();
    await act();
    setTimeout(
      () => {
        busy = false;
        if (wanted) go();
      },
      Math.max(500, 4 * (performance.now() - before)),
    );
  };
  return go;
};

// Calls `changed` whenever the store has changed while the page is seen, and `state` with "live", "waiting" or "lost".
const watch_store = (changed, state) => {
  if (!is_live) return;
  const events = new EventSource("/api/events"),
    renewed = one_by_one(changed);
  let revision = null,
    missed = false;
  events.onopen = () => state("live");
  events.onerror = () => state(events.readyState === EventSource.CLOSED ? "lost" : "waiting");
  events.onmessage = (event) => {
    const { revision: now } = JSON.parse(event.data),
      is_new = revision !== null && now !== revision;
    revision = now;
    if (is_new && document.hidden) missed = true;
    else if (is_new) renewed();
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) {
      missed = false;
      renewed();
    }
  });
};

// Curves of trials by metric, each asked for once: those of trials that have ended do not change.
const known_curves = new Map();
const most_in_a_request = 200;
const curve_key = (metric, trial, part) =>
  `${metric}|${trial.id}|${trial.finished ?? `${trial.status}${trial.revision}`}|${part}`;

// {id: curve} of one metric; `part`: {from, to} in steps, to see more of what is in view.
const ask_curves = async (metric, trials, part = null) => {
  const words = part ? `${part.from}-${part.to}` : "",
    missing = trials.filter((trial) => !known_curves.has(curve_key(metric, trial, words)));
  if (known_curves.size > 20000) known_curves.clear();
  for (let i = 0; i < missing.length; i += most_in_a_request) {
    const some = missing.slice(i, i + most_in_a_request);
    const { curves } = await ask("/api/curves", { metric, trials: some.map((trial) => trial.id).join(","), ...part });
    for (const trial of some) known_curves.set(curve_key(metric, trial, words), curves[trial.id] || null);
  }
  return new Map(
    trials.map((trial) => [trial.id, known_curves.get(curve_key(metric, trial, words))]).filter(([, curve]) => curve),
  );
};
