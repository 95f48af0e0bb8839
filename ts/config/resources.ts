import type { Section } from './grammar.js';
import type { Resource } from './model.js';
import { formatId, type Problems, quote } from './problems.js';
import { type Declared, readResource } from './resource.js';
import { parseId } from './values.js';

/** Reads `[RESOURCES]`: `ID = …`, in the order of the file; what is wrong goes to `problems` and is left out. */
export function readResources(section: Section | undefined, problems: Problems): Declared[] {
  const declared: Declared[] = [];
  const ids = new Map<number, number>();
  for (const { name, place, value } of section?.options ?? []) {
    const id = parseId(name);
    if (id === undefined) {
      const what = `${quote(name)} is not a resource's id: use up to 8 hexadecimal digits`;
      problems.error(place, what);
    } else if (ids.has(id)) {
      // `1` and `00000001` are the same resource.
      problems.error(place, `resource ${formatId(id)} is there already at line ${ids.get(id)}`);
    }
    if (id !== undefined && !ids.has(id)) {
      ids.set(id, place.line);
    }
    declared.push(readResource(id, place, value, problems));
  }
  reportSharedPorts(declared, problems);
  return declared;
}

/** The resources by id, once no problem is left. */
export function resourceMap(declared: readonly Declared[]): Map<number, Resource> {
  const resources = declared.flatMap(({ resource }) => (resource === undefined ? [] : [resource]));
  return new Map(resources.map((resource) => [resource.id, resource]));
}

/** A knock on a port number must mean one resource, so protocols and users make no difference. */
function reportSharedPorts(declared: readonly Declared[], problems: Problems): void {
  const owners = new Map<number, Declared>();
  for (const entry of declared) {
    if (entry.port === undefined) {
      continue;
    }
    const owner = owners.get(entry.port.value);
    if (owner === undefined) {
      owners.set(entry.port.value, entry);
    } else if (owner.id === undefined || owner.id !== entry.id) {
      const what = `port: ${entry.port.value} belongs to the resource at line ${owner.place.line} already`;
      problems.error(entry.port.place, what);
    }
  }
}
