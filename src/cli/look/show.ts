import type { Config } from '../../config/config.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { type ClientDetail, readClientDetail, unseenClient } from '../../look/data/client-detail.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';
import { chooseClient, loadSettingsToShow } from '../command/settings.ts';
import { detailJson } from './detail-json.ts';
import { detailText } from './detail-text.ts';
import type { Storage } from '../../storage/store/storage.ts';

/** Runs `show`: prints the stored facts about one client that people want to see. */
export async function showCommand({ output, configFile, signal }: Context, name: string): Promise<ExitStatus> {
  const config = loadSettingsToShow({ configFile, output });
  const { detail, nowMs } = await readStored(config.storage, signal, (stored) => readNamed(config, stored, name));
  return printAnswer(
    output,
    () => detailJson(detail, nowMs),
    () => detailText(output, config, detail, nowMs),
  );
}

/** Reads a client. Throws FleetError `usage` for a name that is neither in config.xml nor in the database. */
async function readNamed(
  config: Config,
  storage: Storage | null,
  name: string,
): Promise<{ readonly detail: ClientDetail; readonly nowMs: number }> {
  if (storage === null) {
    const nowMs = Date.now();
    return { detail: unseenClient(config, chooseClient(config, name), nowMs), nowMs };
  }
  const nowMs = await storage.nowMs();
  const found = await readClientDetail(config, storage, name, nowMs);
  if (found !== null) return { detail: found, nowMs };
  const listed = config.clients.map((client) => client.name);
  const seen = (await storage.fleet.seenClients()).map((client) => client.name);
  const hint = didYouMean(name, seen);
  if (hint !== '' && didYouMean(name, listed) === '') throw usageError(`there is no client "${name}"${hint}`);
  const client = chooseClient(config, name);
  const chosen = await readClientDetail(config, storage, client.name, nowMs);
  return { detail: chosen ?? unseenClient(config, client, nowMs), nowMs };
}
