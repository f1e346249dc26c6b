import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

import { asFleetError, errnoOf, FleetError } from '../platform/errors/errors.ts';
import { writeDurably } from './durable-file.ts';

/**
 * Returns the collector's id, a UUID that the first call makes and keeps in the file. Clients keep agent, counters and
 * spool apart by this id. Throws FleetError `state-unusable`.
 */
export function loadCollectorId(file: string): string {
  try {
    if (!existsSync(file)) makeId(file);
    const text = readFileSync(file, 'utf8').trim();
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
  } catch (thrown) {
    throw asFleetError(thrown, { code: 'state-unusable', stage: 'run' });
  }
  const advice = 'Put it back from a backup, or delete it: clients then keep a second spool.';
  throw new FleetError({ code: 'state-unusable', stage: 'run', message: `${file} holds no id`, advice });
}

/**
 * Returns the id by which clients keep agent, counters and spool apart: the collector's own, or that of the site whose
 * collectors share the fleet. With the site's id, a client that another collector visits next needs no second copy of
 * these.
 */
export function agentOwner(collectorId: string, sharedSite: string | null): string {
  return sharedSite === null ? collectorId : siteId(sharedSite);
}

/**
 * Returns the id of a site: that of its agents if collectors share it, and that of the collector that forwards for it.
 */
export function siteId(site: string): string {
  return idFrom(`fleet-health site ${site}`);
}

/** Returns an id in the form of a UUID that follows from a text. */
export function idFrom(text: string): string {
  const digits = createHash('sha256').update(text).digest('hex');
  return digits.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Returns `agentOwner` of the collector whose id the file keeps. Throws FleetError `state-unusable`. */
export function loadAgentOwner(file: string, { sharedSite }: { readonly sharedSite: string | null }): string {
  return agentOwner(loadCollectorId(file), sharedSite);
}

function makeId(file: string): void {
  try {
    writeDurably({ file, content: `${randomUUID()}\n`, mode: 0o644, exclusive: true });
  } catch (thrown) {
    // A concurrent dry run has made the file.
    if (errnoOf(thrown) !== 'EEXIST') throw thrown;
  }
}
