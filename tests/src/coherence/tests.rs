//! The checking function, on histories made by hand: what each row allows passes, and a nanosecond more does not.
