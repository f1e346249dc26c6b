const logFactorials: number[] = [0];

function logFactorial(count: number): number {
  for (let next = logFactorials.length; next <= count; next++)
    logFactorials.push((logFactorials[next - 1] ?? 0) + Math.log(next));
  return logFactorials[count] ?? 0;
}

function logChoose(of: number, chosen: number): number {
  return logFactorial(of) - logFactorial(chosen) - logFactorial(of - chosen);
}

/** Members of a group: how many have something, and how many there are. */
export interface Share {
  readonly having: number;
  readonly all: number;
}

/**
 * Returns the p-value of Fisher's exact test, one-sided: the probability that at least as many of the failing members
 * have something as do, if failing and having were independent.
 */
export function fisherGreater(failing: Share, others: Share): number {
  const all = failing.all + others.all;
  const having = failing.having + others.having;
  const most = Math.min(failing.all, having);
  const whole = logChoose(all, having);
  let sum = 0;
  for (let count = failing.having; count <= most; count++)
    sum += Math.exp(logChoose(failing.all, count) + logChoose(others.all, having - count) - whole);
  return Math.min(1, sum);
}

/** Combines two independent p-values by Fisher's method. */
export function combined(one: number, other: number): number {
  const product = one * other;
  return product <= 0 ? 0 : Math.min(1, product * (1 - Math.log(product)));
}

/** Returns the probability of at least one event within a time, at a rate by the hour. */
export function chanceWithin(hours: number, perHour: number): number {
  return -Math.expm1(-perHour * hours);
}
