import type { LiveDocument } from '../page/live/live-document.ts';

const maxPages = 32;
const maxBytes = 4 * 1024 * 1024;

/** The last version of a page that was shown, and its time. */
export interface KeptPage {
  readonly document: LiveDocument;
  readonly atMs: number;
}

/** The most recently requested pages, which are shown while the database is away. */
export class KeptPages {
  readonly #pages = new Map<string, KeptPage>();
  #bytes = 0;

  keep(address: string, document: LiveDocument): void {
    this.#remove(address);
    this.#pages.set(address, { document, atMs: Date.now() });
    this.#bytes += document.body.html.length;
    while (this.#pages.size > maxPages || (this.#bytes > maxBytes && this.#pages.size > 1)) {
      const [oldest = ''] = this.#pages.keys();
      this.#remove(oldest);
    }
  }

  find(address: string): KeptPage | null {
    return this.#pages.get(address) ?? null;
  }

  #remove(address: string): void {
    this.#bytes -= this.#pages.get(address)?.document.body.html.length ?? 0;
    this.#pages.delete(address);
  }
}
