import type { AddFigure } from './client-figures.ts';

/** Returns a figure in the newest reports of a client, the newest first; undefined for a report without the figure. */
export type RecentValues = (client: string, key: string) => readonly (number | undefined)[];

/** Collects the figures of recent reports. */
export class RecentFigures {
  readonly #byClient = new Map<string, { reports: number; readonly byKey: Map<string, (number | undefined)[]> }>();
  #place = -1;
  #byKey = new Map<string, (number | undefined)[]>();

  /** Begins the next older report of a client. */
  goTo(client: string): void {
    let own = this.#byClient.get(client);
    if (own === undefined) this.#byClient.set(client, (own = { reports: 0, byKey: new Map() }));
    this.#place = own.reports;
    this.#byKey = own.byKey;
    own.reports += 1;
  }

  /** Adds a figure of the report. */
  readonly add: AddFigure = (key, value) => {
    let values = this.#byKey.get(key);
    if (values === undefined) this.#byKey.set(key, (values = []));
    values[this.#place] = value;
  };

  readonly valuesOf: RecentValues = (client, key) => this.#byClient.get(client)?.byKey.get(key) ?? [];
}
