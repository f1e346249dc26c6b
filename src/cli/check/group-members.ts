import { idleGroups } from '../../alerter/explain/group-words.ts';
import { groupShort, type GroupState, needingGroups } from '../../alerter/inhibit/group-states.ts';
import { createWatches } from '../../alerter/inhibit/recipients-of.ts';
import { awayWords } from '../../config/clients/group-needs.ts';
import type { Config } from '../../config/config.ts';
import { readGroups } from '../../look/data/fleet-status.ts';
import { withTimeout } from '../../platform/deadline.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { namedUpTo } from '../../text/numbers.ts';
import { readStored } from '../command/read-stored.ts';

const timeoutMs = 10_000;
/** The most members or recipients that are named. */
const maxNames = 5;

/** A group that needs some of its members. */
export interface GroupMembers {
  readonly group: string;
  readonly members: number;
  readonly needed: number;
  /** The members that serve now; null if the database cannot be read or has never heard of them. */
  readonly serving: number | null;
  readonly lost: readonly string[];
  readonly unknown: readonly string[];
  /** The recipients of group-short. */
  readonly recipients: readonly string[];
}

/** Returns who serves now in each group that needs some of its members, and who hears when too few do. */
export async function groupMembers(config: Config, signal: AbortSignal): Promise<readonly GroupMembers[]> {
  if (config.needs.length === 0) return [];
  const states = await withTimeout({ timeoutMs, signal }, (limit) =>
    readStored(config.storage, limit, async (storage) =>
      storage === null ? [] : await readGroups(config, storage, await storage.nowMs()),
    ),
  ).catch((): readonly GroupState[] => []);
  signal.throwIfAborted();
  const stateOf = new Map(states.map((state) => [state.group.need.name, state]));
  const watchOf = createWatches(config);
  return needingGroups(config).map(({ need: { name }, members, needed }) => {
    const state = stateOf.get(name) ?? null;
    const isKnown = state !== null && state.unknown.length < members.length;
    return {
      group: name,
      members: members.length,
      needed,
      serving: isKnown ? state.serving : null,
      lost: [...new Set((state?.lost ?? []).map(({ client }) => client))],
      unknown: isKnown ? state.unknown : [],
      recipients: [...watchOf({ client: '', rule: groupShort, subject: name }).listeners.keys()],
    };
  });
}

/** Returns the lines of `check` about these groups, and about those whose need has no effect. */
export function groupLines(config: Config, groups: readonly GroupMembers[]): readonly string[] {
  const lines = groups.map(({ group, members, needed, serving, lost, unknown, recipients }) => {
    const now = serving === null ? '' : `, ${serving} serve now`;
    const away = lost.length === 0 ? '' : ` (away: ${namedUpTo(maxNames, lost)})`;
    const open = unknown.length === 0 ? '' : ` (unknown: ${namedUpTo(maxNames, unknown)})`;
    const whom = recipients.length === 0 ? 'nobody' : namedUpTo(maxNames, recipients);
    const pages = `${members - needed + 1} away at once are told to ${whom}`;
    return `Group ${group}: ${needed} of ${members}: ${awayWords(members - needed)}${now}${away}${open}; ${pages}.`;
  });
  return [...lines, ...idleGroups(config).map((line) => `Group ${line}`)].map(escapeControls);
}
