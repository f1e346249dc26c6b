import type { AboutKind } from './about.ts';
import { aboutFleet } from './fleet.ts';

/** The beginning of the evidence of alerts that follow from events. */
export const eventEvidence = 'events ';

/** A sender of events whose host may be no client, for rules of <alerts>. It is named as the fleet is. */
export const aboutSource: AboutKind = { ...aboutFleet, about: 'source', mayNameCollector: false };
