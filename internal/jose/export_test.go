package jose

// Decode is Parse for any payload: many published vectors sign a word and not a JSON object.
var Decode = decode
