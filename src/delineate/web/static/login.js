/*
 * Whoever follows a link from another site comes here although the browser has the cookie: it is
 * sent only along with requests from this server's own pages, as this one is.
 */
const form = document.querySelector("form[data-next]");
const response = await fetch("/api/v1/health");
if (response.ok && (await response.json()).version !== null) {
  location.replace(form.dataset.next);
}
