// A button that prints, where there are scripts.
"use strict";
{
  const button = document.getElementById("print-now");
  button.hidden = false;
  document.getElementById("print-by-hand").hidden = true;
  button.addEventListener("click", () => window.print());
}
