import { forwardingSites } from '../../config/clients/arrival.ts';
import { ringOf } from '../../collector/receive/receiver.ts';
import type { Config } from '../../config/config.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../errors.ts';
import { senderOfSite } from '../../seal/push.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { keyOf, printEnrolment, revokeKey, warnWithoutEndpoint } from './enrolment-keys.ts';

export interface EnrollSiteOptions {
  /** The client, or the site. */
  readonly client: string;
  readonly https: string | null;
  readonly ssh: string | null;
  /** True if agent.json gets the client's rules. Not for sites. */
  readonly edge: boolean;
  readonly output: string | null;
  readonly rotate: boolean;
  readonly revoke: boolean;
}

const nextSteps =
  'At the site: put it there (mode 0600, of the account of collect), write <ssh> for the clients, then ' +
  'fleet-health trust, fleet-health check --connect and fleet-health crontab --install.\n' +
  'Here: fleet-health serve takes the pushes; fleet-health crontab --systemd /etc/systemd/system writes its service.';

/** Runs `enroll --site`: prints the file with which the collector of a site forwards. */
export async function enrollSite(context: Context, config: Config, options: EnrollSiteOptions): Promise<ExitStatus> {
  const { client: site, output, rotate, revoke, https, ssh, edge } = options;
  const paths = statePaths(config.stateDir);
  if (revoke) return await revokeKey(context, paths, senderOfSite(site));
  if (https !== null || ssh !== null || edge) {
    throw usageError('--https, --ssh and --edge are for clients', 'The URL stands in <forward> of the site.');
  }
  const sites = [...forwardingSites(config.clients)];
  if (!sites.includes(site)) {
    const advice = `Write transport="forward" labels="site=${site}" into the <group> of its clients.`;
    throw usageError(
      `no client of config.xml has transport="forward" and the label site=${site}${didYouMean(site, sites)}`,
      advice,
    );
  }
  warnWithoutEndpoint(context.output, config);
  claimStateFolder(paths, ['keys', 'publicKeys']);
  const pushKey = await keyOf(context, paths, senderOfSite(site), rotate);
  const { sealing } = ringOf(config, paths, Date.now());
  const document = { site, publicKey: Buffer.from(sealing.publicKey).toString('base64url'), pushKey };
  printEnrolment(context.output, {
    client: site,
    whose: `what <forward key> of ${site} names`,
    document,
    file: output,
    next: nextSteps,
  });
  return 0;
}
