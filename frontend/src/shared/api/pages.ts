interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** Everything of a list that is short by its nature, page after page. */
export async function everyPage<T>(load: (cursor: { cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let next: string | null | undefined;
  do {
    const page = await load(next ? { cursor: next } : {});
    items.push(...page.items);
    next = page.next_cursor;
  } while (next);
  return items;
}
