// Sends chosen files one by one, so that one bad file or a lost connection costs no other. Without it the form works as a form.
const form = document.getElementById("upload");

if (form) {
  const input = form.elements.file;
  const drop = form.querySelector(".drop");
  const sent = document.getElementById("sent");

  form.addEventListener("submit", (event) => { event.preventDefault(); sendAll([...input.files]); });
  for (const kind of ["dragover", "dragleave", "drop"]) drop.addEventListener(kind, onDrag);

  function onDrag(event) {
    event.preventDefault();
    drop.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") sendAll([...event.dataTransfer.files]);
  }

  async function sendAll(files) {
    const button = form.querySelector("button");
    button.disabled = true;
    for (const file of files) await sendOne(file);
    button.disabled = false;
    input.value = "";
  }

  async function sendOne(file) {
    const row = document.createElement("article");
    row.className = "card";
    say(row, `${file.name}: ${form.dataset.sending}`);
    sent.prepend(row);
    if (file.size > Number(form.dataset.limit)) return say(row, `${file.name}: ${form.dataset.large}`);
    const body = new FormData();
    body.append("csrf_token", form.elements.csrf_token.value);
    body.append("trim", form.elements.trim.value);
    body.append("file", file);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Part": "1" } });
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
      const part = parsed.querySelector("article") || parsed.querySelector("main h1");
      row.replaceWith(part);
    } catch {
      say(row, `${file.name}: ${form.dataset.lost}`);
    }
  }

  function say(row, text) { row.textContent = text; }
}
