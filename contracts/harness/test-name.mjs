// What Vitest matches a pattern of names against.

export const nameOf = ({ suite, name }) => (suite === undefined ? name : `${nameOf(suite)} ${name}`);
