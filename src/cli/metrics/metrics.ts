import { familyGroups, parseFamilyGroups } from '../../config/values/family-groups.ts';
import type { FamilyGroup } from '../../config/config.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { writeMetrics } from '../../look/metrics/metrics.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readAfterFirstRun } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { printChunks } from './print-chunks.ts';

/** Runs `metrics`: prints the newest figures. */
export async function metricsCommand(
  context: Context,
  options: { readonly families: string | null; readonly openmetrics: boolean },
): Promise<ExitStatus> {
  const { output, signal } = context;
  const groups = readGroups(options.families, familyGroups);
  if (output.json) throw usageError('metrics has formats of its own', 'Leave --json out, or take `status --json`.');
  const config = loadSettings(context);
  await readAfterFirstRun(config.storage, signal, async (storage) => {
    const format = options.openmetrics ? 'openmetrics' : 'text';
    const nowMs = await storage.nowMs();
    await printChunks(writeMetrics({ config, storage, nowMs, groups, format, signal }));
  });
  return 0;
}

/** Reads `--families`. Throws FleetError `usage` for a name that is none of the groups. */
export function readGroups<Group extends FamilyGroup>(text: string | null, groups: readonly Group[]): readonly Group[] {
  if (text === null) return groups;
  const given = parseFamilyGroups(text);
  const known = groups.filter((group) => given?.includes(group));
  if (given !== null && known.length === given.length) return known;
  throw usageError(`--families ${JSON.stringify(text)} names no families`, `Write some of ${groups.join(',')}.`);
}
