import type { Page } from "@playwright/test";

/** What pages of this origin keep in their databases: the rows of each store. */
export function kept(page: Page): Promise<Record<string, unknown[]>> {
  return page.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const rows: Record<string, unknown[]> = {};
    for (const { name } of await indexedDB.databases()) {
      if (!name) continue;
      const database = await done(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const found: unknown[] = await done(database.transaction(store).objectStore(store).getAll());
        rows[store] = [...(rows[store] ?? []), ...found];
      }
      database.close();
    }
    return rows;
  });
}
