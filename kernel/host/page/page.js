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

// Asks for what the address needs, or all of it `again`, and draws.
const show_page = async (again = false) => {
  const at = present_address(),
    is_new = shown.page !== at.page || shown.name !== at.name,
    turn = ++shown.turn;
  const view = take_view(at),
    main = document.getElementById("view");
  try {
    if (again || shown.asked !== view.asked(at)) {
      main.setAttribute("aria-busy", "true");
      await view.load(at);
      if (turn !== shown.turn) return;
      shown.asked = view.asked(at);
    }
    if (main.firstChild !== view.node) main.replaceChildren(view.node);
    document.title = `${view.title(at)} · marginalia`;
    const drawn = view.draw(present_address());
    main.removeAttribute("aria-busy");
    if (is_new && !again) {
      window.scrollTo(0, 0);
      if (shown.hash !== null) main.focus({ preventScroll: true });
    }
    shown.hash = location.hash;
    await drawn;
  } catch (error) {
    if (turn !== shown.turn) return;
    main.removeAttribute("aria-busy");
    shown.page = null;
    shown.view = null;
    say_failed(error);
  }
};
const redraw_page = () => show_page();

const say_live = (state) => {
  const words = {
    live: ["● live", "what is shown follows the store"],
    waiting: ["○ waiting", "marginalia serve does not answer; the page tries again"],
    lost: ["○ not connected", "load the page again"],
  }[state];
  const at = document.getElementById("live");
  at.className = `live ${state}`;
  at.textContent = words[0];
  at.title = words[1];
};

const begin = async () => {
  watch_theme(() => show_page());
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("view").focus();
  });
  for (const one of document.querySelectorAll("[data-live]")) one.hidden = !is_live;
  if (!is_live && !location.hash && first_experiment()) history.replaceState(null, "", first_experiment());
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
