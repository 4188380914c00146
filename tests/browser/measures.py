"""What is measured inside a page, as scripts that give plain values."""

CONTRASTS = """
() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (value) => ((value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const back = parse(getComputedStyle(each).backgroundColor);
      if (back.length === 3 || back[3] > 0) return back;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.matches("script, title")) continue;
    const style = getComputedStyle(element);
    const ink = light(parse(element.closest("svg") ? style.fill : style.color));
    const paper = light(behind(element));
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 4.5) poor.push(`${contrast.toFixed(2)} ${element.className} ${walker.currentNode.data}`);
  }
  return poor;
}
"""
"""Texts whose contrast is less than WCAG's AA asks for (4.5 to 1)."""

FAULTS = """
() => {
  const faults = [];
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) faults.push(`h${next} after h${level}`);
    level = next;
  }
  for (const each of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(each.getAttribute("aria-labelledby"))) faults.push("a label that is not there");
  for (const field of document.querySelectorAll("input, select"))
    if (!field.labels.length) faults.push(`${field.id} without a label`);
  for (const picture of document.querySelectorAll("svg"))
    if (picture.ariaHidden !== "true" && !picture.ariaLabel) faults.push("a picture without a name");
  for (const landmark of ["header", "main", "h1"])
    if (document.querySelectorAll(landmark).length !== 1) faults.push(`not one ${landmark}`);
  if (!document.documentElement.lang || !document.title) faults.push("no language or no title");
  return faults;
}
"""
"""What a screen reader would stumble over."""

REACHABLE = "() => [...document.querySelectorAll('a[href], summary, select, input, button, [tabindex=\"0\"]')]\
.filter((each) => each.checkVisibility()).length"

FOCUSED = "() => { const at = document.activeElement; at.dataset.reached = 'yes'; const style = getComputedStyle(at);\
 return [at.tagName, style.outlineStyle]; }"
