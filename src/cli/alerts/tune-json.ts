import { isVerified, mailsLeft } from '../../alerter/tune/tune.ts';
import { editText, isAdded, type RuleEdit, tagText } from '../../config/rules/rule-edit.ts';
import type { PastAlert } from '../../storage/store/alert-history.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { lostBy, reasonOf, type ShownTune } from './tune-text.ts';

/** Returns the answer of `tune` as JSON. docs/json.md describes the fields. */
export function tuneJson({ sinceMs, untilMs, withinMs, listed, result }: ShownTune): object {
  const { mails, nightMails, noiseMails, otherMails, verified, isLate } = result;
  return {
    command: 'tune',
    ...jsonFields({ sinceMs, untilMs }),
    within_s: seconds(withinMs),
    ...jsonFields({ mails, nightMails, noiseMails, otherMails }),
    recipients: result.recipients.map(([recipient, own]) => ({ recipient, mails: own })),
    rules: (listed ?? result.lines).map((line) => {
      const { name: rule, subject: check, clients, told, noise, parts, proposal, why } = line;
      const { median, most: p95 } = result.values.get(line) ?? { median: null, most: null };
      return {
        ...{ rule, check, clients },
        ...jsonFields({ sinceMs: line.sinceMs, mails: line.mails, alerts: told.length, noiseAlerts: noise.length }),
        noise_of: line.noisiest.slice(0, maxNoisiest).map(([client, alerts]) => ({ client, alerts })),
        ...{ alerts_parts: parts, over_within_s: seconds(line.overWithinMs) },
        edit: proposal === null ? null : editJson(proposal.edit),
        ...{ reason: reasonOf(line), values: { median, p95 }, mails_left: mailsLeft(result, line) },
        mails_promised: proposal?.mailsLeft ?? null,
        mails_replayed: proposal === null ? null : (verified?.mailsOf(line) ?? null),
        ...{ verified: isVerified(result, line), later_s: seconds(proposal?.laterMs ?? null) },
        quieted: listed === null ? null : (proposal?.quieted ?? []).map(alertJson),
        lost: listed === null ? null : lostBy(why).map(([alert, acted]) => ({ ...alertJson(alert), acted })),
      };
    }),
    replay: verified === null ? null : replayJson(verified),
    replay_late: isLate,
  };
}

/** The most clients whose noise is named. */
const maxNoisiest = 10;

function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms / 1000);
}

function editJson(edit: RuleEdit): object {
  const { name: element, source, line, attributes } = edit.element;
  const { name = null } = attributes;
  return {
    file: source.shown,
    line,
    element,
    name,
    adds: isAdded(edit),
    tag: tagText(edit.element),
    text: editText(edit),
  };
}

function replayJson({ sinceMs, untilMs, mailsBefore, promised, mails }: NonNullable<ShownTune['result']['verified']>) {
  return jsonFields({ sinceMs, untilMs, mailsBefore, mailsPromised: promised, mails });
}

function alertJson({ id, client, rule, subject, severity, pendingSinceMs, resolvedAtMs }: PastAlert): object {
  return jsonFields({ id, client, rule, subject, severity, sinceMs: pendingSinceMs, resolvedAtMs });
}
