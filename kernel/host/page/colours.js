// Light and dark, and colours of curves that stay apart: twelve tones, then the same broken into dashes, then lighter.

const tones = [
  [217, 72],
  [22, 76],
  [158, 56],
  [328, 52],
  [262, 56],
  [45, 84],
  [193, 60],
  [2, 66],
  [88, 48],
  [25, 22],
  [232, 30],
  [300, 34],
];
const dashes = [[], [7, 3], [2, 2.5], [9, 3, 2, 3]];

const shifts = 4;
const most_looks = tones.length * dashes.length * shifts;

const is_dark = () =>
  getComputedStyle(document.documentElement).colorScheme === "dark" ||
  (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

// Of the curve in a place from 0 on: {colour, dash}. `part` is how much of it covers the ground.
const look_of = (place, part = 1) => {
  const [hue, strength] = tones[place % tones.length],
    round = Math.floor(place / tones.length);
  const shift = Math.floor(round / dashes.length) % shifts;
  const light = is_dark() ? 66 - 7 * shift : 42 + 7 * shift;
  return { colour: `hsla(${hue}, ${strength}%, ${light}%, ${part})`, dash: dashes[round % dashes.length] };
};

// A mark beside a name: the curve's own line.
const swatch = (place) => {
  const { colour, dash } = look_of(place);
  return draw_in(
    "svg",
    { class: "swatch", width: 22, height: 10, "aria-hidden": "true" },
    draw_in("line", {
      x1: 1,
      y1: 5,
      x2: 21,
      y2: 5,
      stroke: colour,
      "stroke-width": 3,
      "stroke-dasharray": dash.join(" ") || null,
    }),
  );
};

// Places of curves by their names: the lowest that is free, kept as long as the curve is shown.
const places = new Map();
const take_places = (names) => {
  for (const name of [...places.keys()]) if (!names.includes(name)) places.delete(name);
  const taken = new Set(places.values());
  for (const name of names) {
    if (places.has(name)) continue;
    let place = 0;
    while (taken.has(place)) ++place;
    taken.add(place);
    places.set(name, place);
  }
  return places;
};

// A colour of the style sheet as a canvas knows it.
const css_colour = (name) => {
  const probe = (css_colour.probe ||= document.body.appendChild(make("span", { hidden: true })));
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
};

// From bad (0) to good (1), for lines coloured by a metric; part: as above.
const ramp_colour = (share, part = 1) => {
  const light = is_dark() ? 45 + 27 * share : 72 - 34 * share;
  return `hsla(${36 + 190 * share}, ${40 + 35 * share}%, ${light}%, ${part})`;
};

const themes = { auto: ["◐ auto", "as the system has them"], light: ["☀ light", "light"], dark: ["☾ dark", "dark"] };
const stored_theme = () => {
  try {
    return localStorage.getItem("marginalia-theme") || "auto";
  } catch {
    return "auto";
  }
};
const set_theme = (theme) => {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("marginalia-theme", theme);
  } catch {
    /* a page from a file may be forbidden to */
  }
  const switcher = document.getElementById("theme");
  switcher.textContent = themes[theme][0];
  switcher.setAttribute("aria-label", `Colours: ${themes[theme][1]}; press for the next choice`);
};
const watch_theme = (changed) => {
  set_theme(stored_theme() in themes ? stored_theme() : "auto");
  document.getElementById("theme").addEventListener("click", () => {
    const names = Object.keys(themes);
    set_theme(names[(names.indexOf(document.documentElement.dataset.theme || "auto") + 1) % names.length]);
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
};
