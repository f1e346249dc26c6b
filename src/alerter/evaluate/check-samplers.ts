/** src/alerter/evaluate: row and rule -> level. */
import { append } from '../../platform/group-by.ts';
import { type CheckStat, checkStateWords } from '../../report/checks/checks.ts';
import type { Rule } from '../../config/config.ts';
import type { Level } from '../../storage/store/alert.ts';
import { shortened } from '../../text/shortened.ts';
import { clearSample, faultSample, stateSample, unknownSample, type Sample } from './sample.ts';
import { labelCandidates, ruleChooser, type Candidate, type SamplerKind } from './sampler.ts';

/** The most characters of a text, the ellipsis of a cut one included. */
const shownChars = 201;

/** Samples people's own checks: subjects are the checks' names. UNKNOWN moves no alert. */
export const checkSamplers: SamplerKind = {
  serves: (rule) => rule.type === 'check',
  needOf: () => 'checks',
  create: (rules) => {
    const choose = ruleChooser<string, Candidate<string>>(labelCandidates(rules, (name: string) => name));
    return ({ checks }, { samples, complete }) => {
      if (checks === null) return;
      for (const check of checks) {
        if (check.refused === 1) continue;
        const { check_name: name } = check;
        append(
          samples,
          choose(name, name).map(({ rule }) => checkSample(rule, check)),
        );
      }
      append(
        complete,
        rules.map(({ name }) => name),
      );
    };
  },
};

function checkSample(rule: Rule, check: CheckStat): Sample {
  const { check_name: subject, state } = check;
  return state === 3
    ? unknownSample(rule, subject)
    : stateSample(rule, subject, levelOf(rule, state), shownResult(check));
}

/** Returns the level of a state. A rule with severity="warning" has no critical level. */
function levelOf({ severity }: Rule, state: 0 | 1 | 2): Level {
  return state === 0 ? 'none' : state === 2 ? severity : 'warning';
}

/** Returns the state and the first line of the text: `WARNING: 210 unsent`. Omits the state if the line contains it. */
function shownResult({ state, text }: CheckStat): string {
  const [line = ''] = text.split('\n', 1);
  const word = checkStateWords[state];
  const shown = shortened(line, shownChars);
  if (shown === '') return word;
  return shown.includes(word) ? shown : `${word}: ${shown}`;
}

const conditions: Readonly<Record<string, (rule: Rule, check: CheckStat) => readonly Sample[]>> = {
  'check-unknown': (rule, check) => {
    const { check_name: subject, state, refused } = check;
    if (refused === 1) return [];
    return [
      state === 3 ? faultSample(rule, subject, shownResult(check)) : clearSample(rule, subject, checkStateWords[state]),
    ];
  },
  // Lines of NRPE with $ARG1$ are left to NRPE, and are no fault: a fleet has many of them.
  'check-untrusted': (rule, { check_name: subject, refused, text }) =>
    refused === 1 && text !== 'takes arguments' ? [faultSample(rule, subject, `refused: ${text}`)] : [],
};

/** Samples the conditions of checks: a check returned UNKNOWN, or a file or command was refused. */
export const checkConditionSamplers: SamplerKind = {
  serves: ({ origin, name }) => origin === 'condition' && Object.hasOwn(conditions, name),
  needOf: () => 'checks',
  create:
    (rules) =>
    ({ checks }, { samples, complete }) => {
      if (checks === null) return;
      for (const rule of rules) {
        for (const check of checks) append(samples, conditions[rule.name]?.(rule, check) ?? []);
        complete.push(rule.name);
      }
    },
};
