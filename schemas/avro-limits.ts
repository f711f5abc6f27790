/** avsc refuses 2^53 - 1, and brings what is below -2^52 back as another number: its zigzag form is odd and above 2^53. */
export const LEAST_LONG = -(2 ** 52);
export const GREATEST_LONG = 2 ** 53 - 2;
