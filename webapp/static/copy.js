// Shows the buttons that copy a field. Without it the fields can be selected with one tap.
const said = document.getElementById("copied");

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break; // plain http: browsers forbid it there
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const label = button.querySelector("span");
    const before = label.textContent;
    label.textContent = said.textContent = button.dataset.done;
    setTimeout(() => { label.textContent = before; said.textContent = ""; }, 2000);
  });
}
