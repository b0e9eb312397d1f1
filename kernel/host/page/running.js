// What runs now, with how far it is, where, and what it prints; and what failed last.

const log_of = async (id, part) => {
  try {
    const { log } = await ask("/api/trial", { id });
    part.replaceChildren(
      log ? preformatted(log.split("\n").slice(-41).join("\n"), `log-${id}`) : note("Nothing has been printed yet."),
    );
    part.firstChild.scrollTop = part.firstChild.scrollHeight;
  } catch (error) {
    part.replaceChildren(note(error.sentence || String(error)));
  }
};

const progress_of = (trial) => {
  if (!trial.of) return trial.stage || trial.status;
  const words = `${trial.stage} ${trial.done.toLocaleString("en")} of ${trial.of.toLocaleString("en")}`;
  return [
    make("progress", { max: trial.of, value: trial.done, "aria-label": `trial ${trial.id}: ${words}` }),
    make(
      "span",
      { class: "unit" },
      words,
      trial.per_second > 0 && `, ${number_text(trial.per_second, 3)} a second`,
      trial.left > 0 && `, ${duration_text(trial.left)} left`,
    ),
  ];
};

class RunningPage {
  constructor() {
    this.node = make("article");
    this.logs = new Map();
  }
  asked() {
    return "";
  }
  title() {
    return "Running";
  }
  async load() {
    this.answer = await ask("/api/running");
  }

  draw() {
    const { trials, failed, counts = {} } = this.answer,
      now = Date.now() / 1000;
    const columns = [
      { title: "trial", number: true },
      { title: "experiment" },
      { title: "configuration", wrap: true },
      { title: "progress" },
      { title: "loss", number: true },
      { title: "device" },
      { title: "time", number: true },
      { title: "log" },
    ];
    renew(
      this.node,
      make("h1", {}, "Running now"),
      counts.queued > 0 && make("p", { class: "soft" }, `${count(counts.queued, "trial")} queued`),
      trials.length
        ? table_of(
            "Trials that run now",
            columns,
            trials.map((trial) => this.row(trial)),
          )
        : empty_state(
            "Nothing runs now. What is started in this store, in a terminal by ",
            make("code", {}, "marginalia run FILE.toml"),
            ", appears here.",
          ),
      [...this.logs]
        .filter(([id]) => trials.some((trial) => trial.id === id))
        .map(([id, part]) => make("section", {}, make("h2", {}, `Log of trial ${id}`), part)),
      failed.length > 0 && [
        make("h2", {}, "Failed last"),
        table_of(
          "Trials that failed last",
          [
            { title: "trial", number: true },
            { title: "experiment" },
            { title: "status" },
            { title: "ended" },
            { title: "reason", wrap: true },
          ],
          failed.map((trial) => [
            make("a", { href: trial_link(trial.id) }, trial.id),
            make("a", { href: experiment_link(trial.experiment, { tab: "failures" }) }, trial.experiment),
            make("span", { class: "state bad" }, trial.status),
            { inside: age_text(now - trial.finished), title: time_text(trial.finished) },
            trial.error,
          ]),
        ),
      ],
    );
    for (const [id, part] of this.logs) log_of(id, part);
  }
  row(trial) {
    const is_open = this.logs.has(trial.id);
    return [
      make("a", { href: trial_link(trial.id) }, trial.id),
      make("a", { href: experiment_link(trial.experiment) }, trial.experiment),
      trial.label,
      { inside: progress_of(trial) },
      number_text(trial.loss),
      [trial.device, trial.host && ` on ${trial.host}`],
      duration_text(trial.seconds),
      button(is_open ? "hide" : "show", () => this.toggle(trial.id), {
        "aria-expanded": String(is_open),
        "aria-label": `log of trial ${trial.id}`,
        "data-key": `log-${trial.id}`,
      }),
    ];
  }
  toggle(id) {
    if (!this.logs.delete(id)) this.logs.set(id, make("div"));
    this.draw();
  }
  close() {}
}
