/** src/report/state: the state of a machine: its sections, their bounds, and when it is read. */
import { fault, listOf, objectOf, checkedText, type Place } from '../check-value.ts';
import { maxReasonChars } from '../limits.ts';
import { isPlain, maxStateChars, parseStateLine, stateDigest, stateKinds, stateLimits } from './state.ts';
import type { StateSection } from '../report.ts';

/**
 * Parses the sections of a state report. Throws ReportFault for a section that no agent sends: an unknown or repeated
 * kind, too many lines, a line with control characters, a repeated item, or a digest of other lines.
 */
export function stateSectionsOf(value: unknown, place: Place): readonly StateSection[] {
  const sections = listOf(value, place, stateKinds.length).map((item, at) =>
    sectionOf(item, { within: place, key: at }),
  );
  const repeated = sections.findIndex(({ kind }, at) => sections.findIndex((other) => other.kind === kind) !== at);
  if (repeated !== -1) throw fault({ within: place, key: repeated }, 'kind', 'a kind that another section has');
  return sections;
}

function sectionOf(value: unknown, here: Place): StateSection {
  const json = objectOf(value, here);
  const kind = stateKinds.find((one) => one === json['kind']);
  if (kind === undefined) throw fault(here, 'kind', `not one of ${stateKinds.join(', ')}`);
  const digest = checkedText(json['digest'], here, 'digest', 64);
  const error = json['error'] === null ? null : checkedText(json['error'], here, 'error', maxReasonChars);
  if (error !== null && !isPlain(error)) throw fault(here, 'error', 'not printable');
  if (error === null && !/^[0-9a-f]{32}$/.test(digest)) throw fault(here, 'digest', 'not a digest');
  if (json['lines'] === null) return { kind, digest, error, lines: null };
  const within = { within: here, key: 'lines' };
  const items = new Set<string>();
  const lines = listOf(json['lines'], within, stateLimits[kind]).map((one, at) => {
    const line = checkedText(one, within, String(at), maxStateChars);
    const parsed = parseStateLine(line);
    if (parsed === null) throw fault(within, at, 'not an item, a value and a time of printable characters');
    if (items.has(parsed.item)) throw fault(within, at, 'an item that another line has');
    items.add(parsed.item);
    return line;
  });
  if (error === null && stateDigest(lines) !== digest) throw fault(here, 'digest', 'the digest of other lines');
  return { kind, digest, error, lines: error === null ? lines : null };
}
