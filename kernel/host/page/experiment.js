// One experiment: its head, the condition that chooses its trials, and its tabs.

const tabs = [
  ["", "overview"],
  ["curves", "curves"],
  ["table", "table"],
  ["parallel", "parallel"],
  ["scatter", "importance"],
  ["samples", "samples"],
  ["config", "configuration"],
  ["failures", "failures"],
];

// Of a link that names no tab, or one that there is not, the first.
const tab_of = (words) => (tabs.some(([tab]) => tab === words.tab) ? words.tab : "");

const status_link = (results, status) =>
  is_live
    ? make(
        "a",
        { href: experiment_link(results.name, { tab: "table", group: "none", where: `status = ${status}` }) },
        status_text(results.statuses, status),
      )
    : status_text(results.statuses, status);
const facts_of = (results) => {
  const counts = status_counts(results.trials),
    seeds = new Set(results.trials.map((trial) => trial.seed)),
    places_run = (name) => [...new Set(results.trials.map((trial) => trial[name]).filter(Boolean))];
  const seconds = results.trials.reduce((sum, trial) => sum + (trial.seconds || 0), 0),
    ends = results.trials.map((trial) => trial.finished).filter(is_number);
  const fact = (number, ...words) => make("span", {}, make("b", {}, number), " ", ...words);
  const devices = places_run("device").slice(0, 4).join(", "),
    hosts = places_run("host").slice(0, 4).join(", ");
  return [
    ...[...counts].map(([status, number]) => fact(number.toLocaleString("en"), status_link(results, status))),
    fact(results.groups.length.toLocaleString("en"), results.groups.length === 1 ? "configuration" : "configurations"),
    fact(seeds.size, seeds.size === 1 ? "seed" : "seeds"),
    seconds > 0 && fact(duration_text(seconds), "of training and evaluation"),
    devices && fact(devices, hosts && `on ${hosts}`),
    ends.length > 0 && fact(time_text(ends.reduce((a, b) => Math.max(a, b))), "last trial ended"),
  ];
};

// The condition: in a report, words that a row must have.
const example_of = (results) => {
  const metric = main_metric(results),
    best = ranked(results, results.groups, metric)[0];
  const key = results.keys.find((one, i) => one.numeric && best?.values[i]);
  return [
    metric && `${metric.name} < ${number_text(Math.abs(value_of(results, best, metric.name)) * 2, 2)}`,
    key && `${key.short} = ${best.values[results.keys.indexOf(key)]}`,
    !metric && !key && "status = done",
  ]
    .filter(Boolean)
    .join(" and ");
};
const condition_form = () => {
  const name = is_live ? "where" : "words",
    field = make("input", {
      id: "condition",
      type: "search",
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": "condition-said",
    });
  const apply = (event) => {
    event.preventDefault();
    change_view({ [name]: field.value.trim() });
  };
  const form = make(
    "form",
    { class: "condition", role: "search", onsubmit: apply },
    make("label", { for: "condition" }, is_live ? "where" : "with the words"),
    field,
    make("button", { type: "submit" }, "filter"),
    button("clear", () => {
      field.value = "";
      change_view({ [name]: null });
    }),
  );
  field.addEventListener("search", apply);
  return { form, field, name, said: make("p", { id: "condition-said", class: "said-of-condition", role: "status" }) };
};

class ExperimentPage {
  constructor() {
    this.head = make("div");
    this.condition = condition_form();
    this.tabs = make("nav", { class: "tabs", "aria-label": "Views of the experiment" });
    this.chosen = make("div", { class: "chosen" });
    this.panel = make("div", { class: "panel" });
    this.curves = new Curves();
    this.node = make(
      "article",
      {},
      this.head,
      this.condition.form,
      this.condition.said,
      this.tabs,
      this.chosen,
      this.panel,
    );
    this.overview = { cards: make("div"), table: make("div"), paper: make("div") };
  }

  // What the answer depends on; the rest of the address is drawn from it.
  asked({ name, words }) {
    return `${name}|${words.where || ""}`;
  }

  async load({ name, words }) {
    this.refusal = null;
    try {
      this.results = read_results(await ask("/api/experiment", { name, where: words.where }));
    } catch (error) {
      if (!error.sentence || !words.where || !is_live) throw error;
      this.refusal = error.sentence;
      this.results ||= read_results(await ask("/api/experiment", { name }));
    }
  }

  title({ name }) {
    return name;
  }

  draw({ words }) {
    const { results } = this;
    renew(
      this.head,
      make("h1", {}, results.name),
      results.description && make("p", { class: "soft" }, results.description),
      make("div", { class: "facts" }, facts_of(results)),
      !is_live && results.where && note("Only trials where ", make("code", {}, results.where), "."),
    );
    this.draw_condition(words);
    renew(
      this.tabs,
      tabs
        .filter(([tab]) => tab !== "failures" || failed_trials(results).length)
        .map(([tab, title]) => this.tab_link(tab, title, words)),
    );
    const drawn = drawn_rows(results, rows_of(results, words)).slice(0, most_looks);
    take_places(drawn.map((row) => row.key));
    this.draw_chosen(words);
    return this.draw_tab(tab_of(words), words, drawn);
  }

  tab_link(tab, title, words) {
    const number = tab === "failures" ? ` (${failed_trials(this.results).length})` : "";
    return make(
      "a",
      {
        href: experiment_link(this.results.name, { ...words, tab }),
        "aria-current": tab_of(words) === tab ? "page" : null,
        "data-key": `tab-${tab}`,
      },
      title + number,
    );
  }

  draw_condition(words) {
    const { field, name, said } = this.condition,
      text = words[name] || "";
    if (text !== this.was_text) field.value = text; // what is being written stays
    this.was_text = text;
    field.placeholder = is_live ? `such as: ${example_of(this.results)}` : "parts of names, values, statuses";
    field.setAttribute("aria-invalid", String(Boolean(this.refusal)));
    said.classList.toggle("bad", Boolean(this.refusal));
    const met =
      text && !this.refusal
        ? `${count(this.results.trials.length, "trial")} ${is_live ? "meet the condition" : "in this report"}`
        : "";
    said.textContent = this.refusal || (is_live ? met : "");
  }

  draw_chosen(words) {
    const { chosen } = rows_of(this.results, words),
      known = [...chosen].filter((id) => this.results.trial.has(id)).length;
    renew(
      this.chosen,
      known > 0 && [
        make(
          "span",
          {},
          `${count(known, "trial")} chosen${known > most_looks ? `, at most ${most_looks} curves are drawn` : ""}`,
        ),
        button("draw the best again", () => set_trials([]), { class: "link", "data-key": "unchoose" }),
      ],
    );
  }

  async draw_tab(tab, words, drawn) {
    const { results } = this,
      is_new = this.tab !== tab,
      turn = (this.turn = (this.turn || 0) + 1);
    this.tab = tab;
    const options = { chosen: rows_of(results, words).chosen, seeds: has_seeds(results) };
    if (tab === "") return this.draw_overview(words, drawn, options, is_new);
    if (tab === "curves") {
      if (is_new) this.panel.replaceChildren(this.curves.node);
      return this.curves.show(results.metrics, drawn, words, options);
    }
    if (tab === "parallel" || tab === "scatter") return this.draw_keys(tab, words, is_new);
    const simple = { table: table_tab, samples: samples_tab, config: configuration_tab, failures: failures_tab };
    const made = await simple[tab](results, words);
    if (this.turn !== turn) return undefined;
    return is_new ? this.panel.replaceChildren(...made.filter(Boolean)) : renew(this.panel, made);
  }

  draw_overview(words, drawn, options, is_new) {
    const { cards, table, paper } = this.overview,
      { results } = this;
    if (is_new) this.panel.replaceChildren(cards, this.curves.node, table, paper);
    renew(cards, headlines_of(results));
    renew(table, overview_table(results, words));
    renew(paper, paper_table(results) || []);
    return this.curves.show(results.metrics, drawn, words, { ...options, most: 4, is_brief: true });
  }

  draw_keys(tab, words, is_new) {
    const view = tab === "parallel" ? (this.parallel ||= new Parallel()) : (this.scatter ||= new Scatter());
    if (is_new) this.panel.replaceChildren(view.node);
    return view.show(this.results, words);
  }

  close() {
    this.curves.close();
    this.parallel?.close();
    this.scatter?.close();
  }
}
