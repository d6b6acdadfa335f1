// Sends chosen files one by one, so that one bad file or a lost connection costs no other: what did not get
// through is sent again by itself, and what was sent twice counts once. Without it the form works as a form.
const form = document.getElementById("upload");
const TRIES = 12, LONGEST_S = 120;

if (form) {
  const input = form.elements.file;
  const drop = form.querySelector(".drop");
  const sent = document.getElementById("sent");
  const waiting = [];
  let isSending = false;

  form.addEventListener("submit", (event) => { event.preventDefault(); take(input.files); });
  for (const kind of ["dragover", "dragleave", "drop"]) drop.addEventListener(kind, onDrag);

  function onDrag(event) {
    event.preventDefault();
    drop.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") take(event.dataTransfer.files);
  }

  function take(files) {
    for (const file of files) {
      const row = document.createElement("article");
      row.className = "card";
      const isLarge = file.size > Number(form.dataset.limit);
      say(row, file, isLarge ? form.dataset.large : form.dataset.sending);
      sent.prepend(row);
      if (!isLarge) waiting.push([file, row]);
    }
    input.value = "";
    sent.firstElementChild?.scrollIntoView({ block: "nearest" });
    if (!isSending) sendAll();
  }

  async function sendAll() {
    isSending = true;
    while (waiting.length) await sendOne(...waiting.shift());
    isSending = false;
  }

  async function sendOne(file, row) {
    for (let attempt = 1; ; attempt++) {
      const answer = await post(file, (share) => say(row, file, share < 1 ? `${form.dataset.sending} ${Math.round(share * 100)} %` : form.dataset.reading));
      const waitS = Math.max(Math.min(2 ** attempt, 60), Number(answer?.getResponseHeader("Retry-After")) || 0);
      const mayPass = !answer || answer.status === 429 || answer.status >= 500;
      if (!mayPass || waitS > LONGEST_S) return show(row, file, answer);
      if (attempt === TRIES) return say(row, file, form.dataset.lost);
      say(row, file, form.dataset.later);
      await rest(waitS);
    }
  }

  // The answer, null where none came.
  function post(file, tell) {
    const body = new FormData();
    body.append("csrf_token", form.elements.csrf_token.value);
    body.append("trim", form.elements.trim.value);
    body.append("file", file);
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("X-Part", "1");
      request.upload.onprogress = (event) => { if (event.lengthComputable) tell(event.loaded / event.total); };
      request.onload = () => done(request);
      request.onerror = request.ontimeout = request.onabort = () => done(null);
      request.send(body);
    });
  }

  // So many seconds; less where the network comes back meanwhile.
  function rest(seconds) {
    return new Promise((done) => {
      const timer = setTimeout(go, seconds * 1000);
      window.addEventListener("online", go);
      function go() { clearTimeout(timer); window.removeEventListener("online", go); done(); }
    });
  }

  function show(row, file, answer) {
    const page = new DOMParser().parseFromString(answer.responseText, "text/html");
    const part = page.querySelector("article") || page.querySelector("main h1");
    if (part) row.replaceWith(part); else say(row, file, form.dataset.lost);
    document.querySelector("[data-nothing-sent]")?.remove(); // it would no longer be true
  }

  function say(row, file, text) { row.textContent = `${file.name}: ${text}`; }
}
