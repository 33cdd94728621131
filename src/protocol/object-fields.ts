/** Columns of the table that says where the fields of trace objects are: one row of offsets for each object. */
export const column = {
  humanStart: 0,
  humanEnd: 1,
  machineStart: 2,
  machineEnd: 3,
  namespaceStart: 4,
  severity: 5,
  details: 6,
  timeStart: 7,
  hostStart: 8,
  hostEnd: 9,
  threadStart: 10,
  threadEnd: 11,
  objectEnd: 12,
  objectStart: 13,
} as const;

/** Numbers in a row. */
export const columns = 14;

/** Instead of an offset: the node sent no human text. */
export const absent = -1;
