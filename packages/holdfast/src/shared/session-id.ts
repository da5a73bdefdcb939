/** 24 base64url characters, as session ids are spelled. */
export const sessionIdPattern: RegExp = /^[A-Za-z0-9_-]{24}$/
