const placeholder = /\{\{\s*window\s*\}\}/g;

/** Whether the query holds `{{window}}`; spaces inside the braces are allowed. */
export function hasPlaceholder(query: string): boolean {
  return query.search(placeholder) >= 0;
}

/** Whether each `{{window}}` is a token of its own, so that any window's name makes the same tree of the query. */
export function placeholdersStandAlone(query: string): boolean {
  return query.search(/[\w.:}]\{\{\s*window\s*\}\}|\{\{\s*window\s*\}\}[\w.:{]/) < 0;
}

/** The query for one window: each `{{window}}` replaced by the window's name, wherever it stands. */
export function substituteWindow(query: string, windowName: string): string {
  // A function, because a replacement text would read `$&` and the like.
  return query.replace(placeholder, () => windowName);
}

/**
 * The query with a duration as long as each placeholder in its place (`000000005m`), so that every offset in the
 * result is one in the query as written.
 */
export function withStandInWindow(query: string): string {
  return query.replace(placeholder, (found) => '5m'.padStart(found.length, '0'));
}

/** Whether a part of a query with stand-ins may hold one. */
export function hasStandIn(text: string): boolean {
  return withoutStandIn(text) !== text;
}

/** A part of a query with stand-ins, for people: the placeholder is back in its place. */
export function withoutStandIn(text: string): string {
  return text.replace(/0{8,}5m/g, '{{window}}');
}
