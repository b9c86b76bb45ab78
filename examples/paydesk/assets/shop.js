// The shop page: makes an order and goes to its pay page.
const form = document.getElementById("order"), error = document.getElementById("error"), button = document.getElementById("buy");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.textContent = "";
  const yuan = document.getElementById("yuan").value.trim();
  const parts = /^(\d{1,7})(?:\.(\d{1,2}))?$/.exec(yuan);
  // The amount is put together from its digits: a float would turn 19.90 into 1989 fen.
  const fen = parts ? Number(parts[1]) * 100 + Number((parts[2] || "").padEnd(2, "0")) : 0;
  if (fen < 1) { error.textContent = form.dataset.amount; return; }
  button.disabled = true;
  try {
    const answer = await fetch("/api/orders", {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": form.dataset.once },
      body: JSON.stringify({ total_fee: fen, body: document.getElementById("what").value.trim() }),
    });
    const made = await answer.json();
    if (!answer.ok) throw new Error(made.detail || made.title);
    location.assign(made.pay_page);
  } catch (problem) {
    error.textContent = problem.message;
    button.disabled = false;
  }
});
