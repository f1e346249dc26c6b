import { amountOf, fault, faultAt, listOf, objectOf, checkedText, type Place } from './check-value.ts';
import { checkFormats, isCheckName, maxBuiltInChecks, maxChecks, outputLimit } from './checks.ts';
import { maxRefusedChecks, type CheckResult, type RefusedCheck } from './checks.ts';
import { maxReasonChars } from './limits.ts';

/** Parses the results of checks. Throws ReportFault for results that no agent sends, and for a repeated name. */
export function checkResultsOf(value: unknown, place: Place): readonly CheckResult[] {
  const names = new Set<string>();
  return listOf(value, place, maxChecks + maxBuiltInChecks).map((item, at) => {
    const here = { within: place, key: at };
    const result = checkResultOf(item, here);
    if (names.has(result.name)) throw fault(here, 'name', 'a name that another check has');
    names.add(result.name);
    return result;
  });
}

function checkResultOf(item: unknown, here: Place): CheckResult {
  const { name, format, exit, why, output, age_s } = objectOf(item, here);
  if (typeof name !== 'string' || !isCheckName(name)) throw fault(here, 'name', 'not the name of a check');
  const known = checkFormats.find((candidate) => candidate === format);
  if (known === undefined) throw fault(here, 'format', `not one of ${checkFormats.join(', ')}`);
  const reason = why === null ? null : checkedText(why, here, 'why', maxReasonChars);
  if (reason !== null && !/^[a-z][a-z -]*$/.test(reason)) throw fault(here, 'why', 'not words of lower-case letters');
  const status = exit === null ? null : exitOf(exit, here);
  if (status === null && reason === null) throw fault(here, 'why', 'neither an exit status nor a reason');
  const limit = outputLimit(known);
  const text = checkedText(output, here, 'output', limit);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > limit) throw fault(here, 'output', `${sizeBytes} bytes, allowed are ${limit}`);
  return { name, format: known, exit: status, why: reason, output: text, age_s: amountOf(age_s, here, 'age_s') };
}

function exitOf(value: unknown, here: Place): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255) return value;
  throw fault(here, 'exit', 'not a whole number from 0 to 255');
}

/** Parses the refused checks. Throws ReportFault for entries that no agent sends. */
export function refusedChecksOf(value: unknown, place: Place): readonly RefusedCheck[] {
  return listOf(value, place, maxRefusedChecks).map((item, at) => {
    const here = { within: place, key: at };
    const { path, why } = objectOf(item, here);
    const refused = {
      path: checkedText(path, here, 'path', maxReasonChars),
      why: checkedText(why, here, 'why', maxReasonChars),
    };
    if (refused.path === '') throw faultAt(here, 'a path without a character');
    return refused;
  });
}
