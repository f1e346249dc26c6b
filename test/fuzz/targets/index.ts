import type { FuzzTarget } from '../target.ts';
import { captureTarget } from './capture.ts';
import { checksTarget } from './checks.ts';
import { framesTarget } from './frames.ts';
import { inboxTarget } from './inbox.ts';
import { knownHostsTarget } from './known-hosts.ts';
import { loaderSignTarget } from './loader-sign.ts';
import { reportTarget } from './report.ts';
import { sealHeaderTarget } from './seal-header.ts';
import { stateCaptureTarget } from './state-capture.ts';
import { trustSourceTarget } from './trust-source.ts';

/** Every parser of input from other machines or people. */
export const fuzzTargets: readonly FuzzTarget[] = [
  inboxTarget,
  framesTarget,
  sealHeaderTarget,
  reportTarget,
  captureTarget,
  stateCaptureTarget,
  checksTarget,
  knownHostsTarget,
  loaderSignTarget,
  trustSourceTarget,
];
