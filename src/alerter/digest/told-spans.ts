import type { MadeDigest } from '../../storage/store/digest-store.ts';

/** The span that a made digest told of. */
export interface ToldSpan {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The time at which the digest was due; null if the clock was ahead. */
  readonly dueMs: number | null;
}

export interface ToldOptions {
  /** The digests of a recipient, in the order in which they were made. */
  readonly made: readonly MadeDigest[];
  /** Digests that a clock ahead may have caused: something ran, after they were made, in a time that they span. */
  readonly early: ReadonlySet<MadeDigest>;
  /** The names of the recipient's digests in config.xml. */
  readonly present: ReadonlySet<string>;
}

/**
 * Returns what a digest continues: the spans of its recipient's digests of the same name, and those of names that
 * config.xml has no more. A digest whose schedule changes gets another name by default. Omits names whose digests ran
 * beside its own ones.
 */
export function continuedSpans(name: string, { made, early, present }: ToldOptions): readonly ToldSpan[] {
  const kept = made.filter(({ digest }) => digest === name || !present.has(digest));
  const told = toldSpans(kept, early);
  const own = told.filter((span) => span.name === name);
  const beside = new Set(told.filter((span) => span.name !== name && own.some(overlaps(span))).map((one) => one.name));
  if (beside.size === 0) return told;
  return toldSpans(
    kept.filter(({ digest }) => !beside.has(digest)),
    early,
  );
}

function overlaps(one: ToldSpan): (other: ToldSpan) => boolean {
  return (other) => other.fromMs < one.toMs && other.toMs > one.fromMs;
}

/**
 * Returns what digests told. An early one told of what was stored until the runs broke off. If a later digest was made
 * before it by the clock, and spans the same time, the clock was ahead: those between both told of a time to come.
 */
function toldSpans(made: readonly MadeDigest[], early: ReadonlySet<MadeDigest>): readonly ToldSpan[] {
  const told: ToldSpan[] = [];
  for (let index = 0; index < made.length; index += 1) {
    const one = made[index];
    if (one === undefined) continue;
    const { digest: name, digestFromMs: fromMs, digestSeenToMs: seenToMs, digestToMs: toMs } = one;
    const between = made
      .slice(index + 1)
      .findIndex(
        (later) =>
          later.createdAtMs < one.createdAtMs &&
          later.digestFromMs < toMs &&
          later.digestToMs > Math.max(fromMs, seenToMs),
      );
    const isRefuted = seenToMs < toMs && between >= 0;
    told.push({
      name,
      fromMs,
      toMs: isRefuted || early.has(one) ? Math.max(fromMs, seenToMs) : toMs,
      dueMs: isRefuted ? null : toMs,
    });
    if (isRefuted) index += between;
  }
  return told;
}

/** Returns the span with the latest end until a time; null if there is none. */
export function lastTold(told: readonly ToldSpan[], atMs: number): ToldSpan | null {
  const ended = told.filter(({ toMs }) => toMs <= atMs);
  return ended.reduce<ToldSpan | null>((last, span) => (last === null || span.toMs >= last.toMs ? span : last), null);
}

/** Returns true if the digest that is due at a time was made, or the time directly before it was told of. */
export function isTold(told: readonly ToldSpan[], atMs: number): boolean {
  return told.some(({ fromMs, toMs, dueMs }) => dueMs === atMs || (fromMs < atMs && toMs >= atMs));
}
