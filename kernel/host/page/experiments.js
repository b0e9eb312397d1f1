// All experiments of the store, the newest first.

const counts_of = (statuses) => {
  const known = Object.entries(statuses),
    order = ["done", "running", "queued"];
  return known
    .sort(([a], [b]) => (order.indexOf(a) + 1 || 9) - (order.indexOf(b) + 1 || 9))
    .map(([status, number]) => `${number.toLocaleString("en")} ${status}`)
    .join(", ");
};
const best_of = ({ best }) => {
  if (!best) return "";
  const [mean, error] = estimate_text(best.value, best.error);
  return [
    make("b", {}, `${best.metric} ${mean}`),
    ` ${error} ${best.unit}`.trimEnd(),
    make("span", { class: "unit" }, best.label),
  ];
};

const experiment_row = (one, now) => [
  [
    make("a", { href: experiment_link(one.name), "data-key": `experiment-${one.name}` }, one.name),
    make("span", { class: "unit" }, one.description),
  ],
  [one.trials.toLocaleString("en"), make("span", { class: "unit" }, counts_of(one.statuses))],
  one.configurations.toLocaleString("en"),
  one.seeds,
  { inside: best_of(one), class: "wide" },
  { inside: is_number(one.newest) && one.newest > 0 ? age_text(now - one.newest) : "", title: time_text(one.newest) },
];

class ExperimentsPage {
  constructor() {
    this.node = make("article");
  }
  asked() {
    return "";
  }
  title() {
    return "Experiments";
  }
  async load() {
    this.answer = await ask("/api/experiments");
  }

  draw({ words }) {
    const named = (words.words || "").toLowerCase(),
      all = this.answer.experiments;
    const rows = all.filter((one) => `${one.name} ${one.description}`.toLowerCase().includes(named)),
      now = Date.now() / 1000;
    const columns = [
      { title: "experiment", wrap: true },
      { title: "trials", number: true },
      { title: "configurations", number: true },
      { title: "seeds", number: true },
      { title: "best" },
      { title: "newest" },
    ];
    renew(
      this.node,
      make("h1", {}, "Experiments"),
      all.length > 8 && this.search(words.words),
      all.length === 0
        ? empty_state(
            "No experiment is in this store yet. Run one, in a terminal: ",
            make("code", {}, "marginalia run FILE.toml"),
          )
        : rows.length
          ? table_of(
              "Experiments",
              columns,
              rows.map((one) => experiment_row(one, now)),
            )
          : empty_state("No experiment has these words in its name."),
    );
  }
  search(text = "") {
    return make(
      "label",
      { class: "condition" },
      "with the words",
      make("input", {
        type: "search",
        value: text,
        "data-key": "named",
        oninput: (event) => change_view({ words: event.target.value }),
      }),
    );
  }
  close() {}
}
