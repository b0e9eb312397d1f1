"use strict";
fetch("/api/experiments").then((answer) => answer.json()).then((list) => {
  document.getElementById("main").textContent = list.experiments.map((each) => each.name).join(", ");
});
