/** The server cannot be asked, or what it says cannot be handed on. A phrase without a full stop. */
export class BadGateway extends Error {}
