import { existsSync } from 'node:fs';
import path from 'node:path';

import { folderOfSite } from '../../collector/inbox/origins.ts';
import { forwardingSite } from '../../config/clients/arrival.ts';
import type { Config, Finding } from '../../config/config.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { withTimeout } from '../../platform/deadline.ts';
import { groupBy } from '../../platform/group-by.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { namedUpTo } from '../../text/numbers.ts';
import { readStored } from '../command/read-stored.ts';

/** The largest number of a site's clients that a warning names. */
const maxNamed = 5;
const timeoutMs = 10_000;

/** Warns of clients whose site has forwarded nothing of them. Returns nothing if the database is unreachable. */
export async function neverReportedWarnings(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const { clients, file, storage } = config;
  const forwarded = clients.filter(({ arrival, state }) => arrival.kind === 'site' && state !== 'retired');
  if (forwarded.length === 0) return [];
  const known = await withTimeout({ timeoutMs, signal }, (limit) =>
    readStored(storage, limit, async (stored) => (await stored?.history.clients()) ?? []),
  ).catch(() => null);
  signal.throwIfAborted();
  if (known === null) return [];
  const { inbox } = statePaths(config.stateDir);
  const seen = new Set(known.map(({ client }) => client));
  const missing = forwarded.filter(({ name, was }) => !seen.has(name) && (was === null || !seen.has(was)));
  return [...groupBy(missing, (client) => forwardingSite(client) ?? '')].map(([site, ofSite]) => {
    const names = namedUpTo(
      maxNamed,
      ofSite.map(({ name }) => name),
    );
    const isHere = existsSync(path.join(inbox, folderOfSite(site)));
    const message = isHere
      ? `what the site ${site} has sent of ${names} is not stored yet: fleet-health collect here does that`
      : `nothing has come of ${names} from the site ${site}: look at collect there, and at its config.xml`;
    return { file, line: null, message: escapeControls(message) };
  });
}
