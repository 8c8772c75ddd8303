// Light or dark, before anything is painted; so this file is no module, which would come later.
{
  const KEY = "delineate.theme";
  const root = document.documentElement;

  const chosen = () => {
    try {
      return localStorage.getItem(KEY) ?? "system";
    } catch {
      return "system"; // a browser that keeps nothing
    }
  };

  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };

  const keep = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // this page has it all the same
    }
  };

  const bind = () => {
    const group = document.getElementById("theme");
    group.hidden = false;
    const show = () => {
      apply(chosen());
      for (const input of group.querySelectorAll("input")) input.checked = input.value === chosen();
    };
    show();
    group.addEventListener("change", (event) => {
      keep(event.target.value);
      apply(event.target.value);
    });
    addEventListener("storage", (event) => event.key === KEY && show()); // another tab
  };

  apply(chosen());
  addEventListener("DOMContentLoaded", bind);
}
