/** The sites of `serve --fleet`, which are asked in the background. Viewers see the last answers. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { SiteConfig } from '../../config/serve-config.ts';
import { messageOf } from '../../errors.ts';
import type { Sorting } from '../../look/fleet-member.ts';
import { secondMs } from '../../platform/units.ts';
import { oneLine } from '../../text/plain-text.ts';
import { askSite } from './ask-site.ts';
import { type Merged, mergeSites } from './merge-sites.ts';
import { mostMembers, type SiteAnswer } from './read-answer.ts';

const everyMs = 30 * secondMs;
const backgroundMs = 10 * secondMs;
/** The timeout of a site's answer to a search, for which somebody waits. */
const searchMs = 3 * secondMs;
const keptSearchMs = 10 * secondMs;
const mostSearches = 32;
/** The most searches under way. Each one sends a request to every site. */
const mostAtATime = 4;
/** The most time that a search waits for its turn. */
const turnMs = 3 * secondMs;
const longestReason = 200;

/** A site with its last answer. */
export interface HeardSite {
  readonly config: SiteConfig;
  readonly answer: SiteAnswer | null;
  /** The time at which `answer` arrived; null: never. */
  readonly answeredAtMs: number | null;
  /** The time since which the site does not answer, and the reason; null if it answers or was not asked yet. */
  readonly away: { readonly sinceMs: number; readonly reason: string } | null;
}

/** The answers of the sites to a search. */
export interface Searched {
  readonly merged: Merged;
  /** The names of the sites that did not answer the search. */
  readonly missing: readonly string[];
}

export interface SitesOptions {
  readonly sites: readonly SiteConfig[];
  readonly onAway: (site: string, reason: string) => void;
  readonly onBack: (site: string, awayMs: number) => void;
  /** Called after each answer and each fault. */
  readonly onHeard: (site: string) => void;
  readonly signal: AbortSignal;
}

/** The error of a search that waited too long, or of one too many. */
export class TooManySearches extends Error {}

export class Sites {
  readonly #options: SitesOptions;
  readonly #heard: Map<string, HeardSite>;
  readonly #searches = new Map<string, Promise<Searched>>();
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(options: SitesOptions) {
    this.#options = options;
    this.#heard = new Map(
      options.sites.map((config) => [config.name, { config, answer: null, answeredAtMs: null, away: null }]),
    );
  }

  get heard(): readonly HeardSite[] {
    return [...this.#heard.values()];
  }

  /** Asks each site at intervals until the signal is aborted. No site waits for another. */
  async follow(): Promise<void> {
    await Promise.all(this.#options.sites.map((site) => this.#followOne(site)));
  }

  /** Asks all sites that are not away. Identical searches share one request. Rejects with TooManySearches. */
  search(query: URLSearchParams, sorting: Sorting): Promise<Searched> {
    const key = `${sorting} ${query.toString()}`;
    const known = this.#searches.get(key);
    if (known !== undefined) return known;
    const found = this.#turn().then(() => this.#searchNow(query, sorting).finally(() => this.#endTurn()));
    this.#searches.set(key, found);
    const forget = (): void => {
      if (this.#searches.get(key) === found) this.#searches.delete(key);
    };
    setTimeout(forget, keptSearchMs).unref();
    found.catch(forget);
    const [oldest = ''] = this.#searches.keys();
    if (this.#searches.size > mostSearches) this.#searches.delete(oldest);
    return found;
  }

  /** Waits until a search may begin. Rejects with TooManySearches. */
  async #turn(): Promise<void> {
    if (this.#running < mostAtATime) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.size >= mostSearches) throw new TooManySearches();
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(late);
        resolve();
      };
      const late = setTimeout(() => {
        this.#waiting.delete(begin);
        reject(new TooManySearches());
      }, turnMs);
      this.#waiting.add(begin);
    });
  }

  /** Passes the turn on to the search that has waited longest. */
  #endTurn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  async #searchNow(query: URLSearchParams, sorting: Sorting): Promise<Searched> {
    const { signal } = this.#options;
    const limited = new URLSearchParams([...query, ['limit', String(mostMembers)]]);
    const answers = await Promise.all(
      this.heard.map(async ({ config, away, answeredAtMs }) => {
        const isAsked = away === null && answeredAtMs !== null;
        const asked = isAsked ? askSite(config, { query: limited, timeoutMs: searchMs, signal }) : null;
        // A failed search does not mean that the site is away: it may have asked for too much.
        return { site: config.name, answer: (await asked?.catch(() => null)) ?? null };
      }),
    );
    const missing = answers.flatMap(({ site, answer }) => (answer === null ? site : []));
    return { merged: mergeSites(answers, sorting), missing };
  }

  async #followOne(config: SiteConfig): Promise<void> {
    const { signal } = this.#options;
    const query = new URLSearchParams({ limit: String(mostMembers) });
    while (!signal.aborted) {
      await askSite(config, { query, timeoutMs: backgroundMs, signal }).then(
        (answer) => this.#back(config, answer),
        (thrown: unknown) => this.#away(config, thrown),
      );
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #back(config: SiteConfig, answer: SiteAnswer): void {
    const { away } = this.#heard.get(config.name) ?? {};
    if (away !== null && away !== undefined) this.#options.onBack(config.name, Date.now() - away.sinceMs);
    this.#heard.set(config.name, { config, answer, answeredAtMs: Date.now(), away: null });
    this.#options.onHeard(config.name);
  }

  #away(config: SiteConfig, thrown: unknown): void {
    if (this.#options.signal.aborted) return;
    const before = this.#heard.get(config.name);
    const reason = oneLine(messageOf(thrown)).slice(0, longestReason);
    const { answer = null, answeredAtMs = null, away = null } = before ?? {};
    if (away === null) this.#options.onAway(config.name, reason);
    const sinceMs = away?.sinceMs ?? Date.now();
    this.#heard.set(config.name, { config, answer, answeredAtMs, away: { sinceMs, reason } });
    this.#options.onHeard(config.name);
  }
}
