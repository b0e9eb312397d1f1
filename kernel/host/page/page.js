// Puts the view that the address names into the page, and keeps it as the store is.

const page_kinds = { experiments: ExperimentsPage, experiment: ExperimentPage, trial: TrialPage, running: RunningPage };
const shown = { page: null, name: null, asked: null, view: null, turn: 0, hash: null };

const first_experiment = () => {
  const all = Object.keys(embedded?.answers || {}).find((asked) => asked.startsWith("/api/experiment?"));
  return all ? experiment_link(new URLSearchParams(all.split("?")[1]).get("name")) : null;
};
const present_address = () => {
  const at = read_address();
  return at.page in page_kinds ? at : { page: "experiments", name: "", words: {} };
};

const say_failed = (error) => {
  const at = document.getElementById("view");
  at.replaceChildren(
    make("h1", {}, "This cannot be shown"),
    make("p", { class: "reason", role: "alert" }, error.sentence || String(error)),
    make("p", {}, make("a", { href: "#/" }, "All experiments")),
  );
  if (!error.sentence) throw error;
};

const take_view = (at) => {
  if (shown.view && shown.page === at.page && shown.name === at.name) return shown.view;
  shown.view?.close();
  hidden_rows.clear();
  table_state.shown = rows_at_first;
  Object.assign(shown, { page: at.page, name: at.name, asked: null, view: new page_kinds[at.page]() });
  return shown.view;
};

const put_in_place = (view, at) => {
  const main = document.getElementById("view");
  if (main.firstChild !== view.node) main.replaceChildren(view.node);
  document.title = `${view.title(at)} · marginalia`;
};
const at_its_beginning = () => {
  window.scrollTo(0, 0);
  if (shown.hash !== null) document.getElementById("view").focus({ preventScroll: true });
};

// What could not be renewed stays as it was.
const failed_to_show = (error, again, view) => {
  if (again && view.node.isConnected) {
    say_live("waiting", error.sentence);
    return;
  }
  shown.page = null;
  shown.view = null;
  say_failed(error);
};

const load_view = async (view, at) => {
  const main = document.getElementById("view");
  main.setAttribute("aria-busy", "true");
  try {
    await view.load(at);
  } finally {
    main.removeAttribute("aria-busy");
  }
};

// Asks for what the address needs, or all of it `again`, and draws. Of two at once the later one draws.
const show_page = async (again = false) => {
  const at = present_address(),
    is_new = shown.page !== at.page || shown.name !== at.name,
    turn = ++shown.turn,
    view = take_view(at);
  try {
    if (again || shown.asked !== view.asked(at)) {
      await load_view(view, at);
      if (turn !== shown.turn) {
        if (shown.view === view && shown.asked === view.asked(present_address())) await show_page();
        return;
      }
      shown.asked = view.asked(at);
    }
    put_in_place(view, at);
    const drawn = view.draw(present_address());
    if (is_new && !again) at_its_beginning();
    shown.hash = location.hash;
    await drawn;
  } catch (error) {
    if (turn === shown.turn) failed_to_show(error, again, view);
  }
};
const redraw_page = () => show_page();

const live_words = {
  live: ["● live", "what is shown follows the store"],
  lost: ["○ not connected", "load the page again"],
  waiting: ["○ waiting", "marginalia serve does not answer; the page tries again"],
};
const say_live = (state, why = live_words[state][1]) => {
  const at = document.getElementById("live");
  at.className = `live ${state}`;
  at.textContent = live_words[state][0];
  at.title = why;
};

// Lists that lie above the page close when something else is pressed, or by Escape.
const watch_lists = () => {
  const close_but = (one) => {
    for (const list of document.querySelectorAll("details.choose[open]")) if (list !== one) list.open = false;
  };
  document.addEventListener("click", (event) => close_but(event.target.closest("details.choose")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.activeElement.closest("details.choose")?.firstChild.focus();
    close_but(null);
  });
};

const begin = async () => {
  watch_theme(() => show_page());
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("view").focus();
  });
  for (const one of document.querySelectorAll("[data-live]")) one.hidden = !is_live;
  if (!is_live && !location.hash && first_experiment()) history.replaceState(null, "", first_experiment());
  watch_lists();
  window.addEventListener("hashchange", () => show_page());
  watch_store(() => show_page(true), say_live);
  await show_page();
  try {
    const { store, version, now } = await ask("/api/store");
    document.getElementById("store").textContent = is_live ? store : `report of ${time_text(now)}`;
    document.getElementById("foot").textContent =
      `marginalia ${version}${is_live ? ", read only" : `, written ${time_text(now)} from ${store}`}`;
  } catch {
    /* the page says elsewhere what does not answer */
  }
};
begin();
