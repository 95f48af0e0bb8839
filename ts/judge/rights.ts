import type { Resource } from '../config/model.js';

/** Why a proven user gets nothing; undefined if the resource exists and is theirs. */
export function forbidden(
  resources: ReadonlyMap<number, Resource>,
  resource: number,
  user: number,
): string | undefined {
  const found = resources.get(resource);
  if (found === undefined) {
    return 'there is no such resource';
  }
  if (found.users !== undefined && !found.users.has(user)) {
    return 'the resource is not for this user';
  }
  return undefined;
}
