import { greatest } from '../../platform/group-by.ts';
import type { Config, Window } from '../../config/config.ts';
import { ruleFinder, ruleMatcher } from '../../config/rules/rule-matcher.ts';
import { remembered } from '../../platform/remembered.ts';
import type { Silence } from '../../storage/store/operator-store.ts';
import type { AboutKey } from '../../about/about.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { silenceMatcher } from './silences.ts';
import { dayMs } from '../../platform/units.ts';
import type { HoldReason } from './hold-reason.ts';
import { type Span, windowSpans } from '../../config/recipients/windows.ts';

/** The part of an alert that silences and windows match. */
export type MuteKey = AboutKey & Pick<Alert, 'severity'>;

type MuteReason = Extract<HoldReason, { readonly kind: 'silence' | 'window' }>;

/** The times at which silences and windows mute an alert. */
export type Mutes = ReturnType<typeof openMutes>;

interface MutesOptions {
  readonly config: Config;
  /** Includes silences that have ended, as far back as they are known. */
  readonly silences: readonly Silence[];
}

interface Mute extends Span {
  readonly reason: MuteReason;
}

/** Opens the silences and windows for one pass, and caches results. */
export function openMutes({ config, silences }: MutesOptions) {
  const ruleOf = ruleFinder(config);
  const silenced = silences.map((silence) => ({ silence, matches: silenceMatcher(silence, config) }));
  const { zone } = config.alerts;
  const spansOf = createSpans(zone);
  const rulesOf = remembered(({ rules }: Window) => (rules.length === 0 ? () => true : ruleMatcher(rules.join(','))));

  const mutesAt = (key: MuteKey, fromMs: number, toMs: number): readonly Mute[] => {
    const mutes: Mute[] = [];
    for (const { silence, matches } of silenced) {
      const { id, startsAtMs, endsAtMs } = silence;
      if (startsAtMs > toMs || endsAtMs < fromMs || !matches(key)) continue;
      mutes.push({ startsAtMs, endsAtMs, reason: { kind: 'silence', id, untilMs: endsAtMs } });
    }
    for (const window of kindOf(key).windowsOf(config, key)) {
      if (window.severity === 'warning' && key.severity === 'critical') continue;
      if (!rulesOf(window)(ruleOf(key))) continue;
      for (const { startsAtMs, endsAtMs } of spansOf(window, fromMs, toMs)) {
        mutes.push({ startsAtMs, endsAtMs, reason: { kind: 'window', untilMs: endsAtMs } });
      }
    }
    return mutes;
  };

  return {
    /** Returns the silences and windows that hold at a moment. */
    reasonsAt: (key: MuteKey, atMs: number): readonly MuteReason[] =>
      mutesAt(key, atMs, atMs)
        .filter((cover) => holdsAt(cover, atMs))
        .map(({ reason }) => reason),
    /** Returns the end of the last mute within the day up to a moment; null if none ended, or another still holds. */
    lastEndMs: (key: MuteKey, atMs: number): number | null => {
      const mutes = mutesAt(key, atMs - dayMs, atMs);
      const ends = mutes.map(({ endsAtMs }) => endsAtMs).filter((endMs) => endMs <= atMs && endMs > atMs - dayMs);
      return ends.length === 0 || mutes.some((cover) => holdsAt(cover, atMs)) ? null : greatest(ends);
    },
    /** Returns the end of the mutes that cover a time without a break, but for `lessMs` at its end; null if none do. */
    coveredUntilMs: (key: MuteKey, fromMs: number, toMs: number, lessMs: number): number | null => {
      const mutes = mutesAt(key, fromMs, toMs);
      let untilMs = fromMs;
      for (let isLonger = true; isLonger;) {
        const ends = mutes.filter((cover) => holdsAt(cover, untilMs)).map(({ endsAtMs }) => endsAtMs);
        isLonger = ends.length > 0;
        untilMs = greatest([untilMs, ...ends]);
      }
      return untilMs > fromMs && untilMs >= toMs - lessMs ? untilMs : null;
    },
  };
}

function holdsAt({ startsAtMs, endsAtMs }: Span, atMs: number): boolean {
  return startsAtMs <= atMs && atMs < endsAtMs;
}

/** Remembers the spans of windows: dispatch asks for the same few days again and again. */
function createSpans(zone: string | null): (window: Window, fromMs: number, toMs: number) => readonly Span[] {
  const spansOf = remembered((window: Window) =>
    remembered((firstDay: number) =>
      remembered((lastDay: number) => windowSpans(window, firstDay * dayMs, (lastDay + 1) * dayMs, zone)),
    ),
  );
  return (window, fromMs, toMs) =>
    spansOf(window)(Math.floor(fromMs / dayMs))(Math.floor(toMs / dayMs)).filter(
      ({ startsAtMs, endsAtMs }) => startsAtMs <= toMs && endsAtMs >= fromMs,
    );
}
