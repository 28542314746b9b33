//! An array of a length that its type knows, as learned rows keep it: no allocation, no length to distrust.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `[T; N]` that can be written and read back whatever N is; serde itself stops at 32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed<T, const N: usize>([T; N]);

impl<T: Copy + Default, const N: usize> Default for Fixed<T, N> {
    fn default() -> Fixed<T, N> {
        Fixed([T::default(); N])
    }
}

impl<T, const N: usize> Deref for Fixed<T, N> {
    type Target = [T; N];

    fn deref(&self) -> &[T; N] {
        &self.0
    }
}

impl<T, const N: usize> DerefMut for Fixed<T, N> {
    fn deref_mut(&mut self) -> &mut [T; N] {
        &mut self.0
    }
}

impl<T: Serialize, const N: usize> Serialize for Fixed<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(N)?;
        for value in &self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}

impl<'de, T: Copy + Default + Deserialize<'de>, const N: usize> Deserialize<'de> for Fixed<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fixed<T, N>, D::Error> {
        deserializer.deserialize_tuple(N, Elements(PhantomData))
    }
}

struct Elements<T, const N: usize>(PhantomData<T>);

impl<'de, T: Copy + Default + Deserialize<'de>, const N: usize> Visitor<'de> for Elements<T, N> {
    type Value = Fixed<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Fixed<T, N>, A::Error> {
        let mut values = Fixed::default();
        for (at, value) in values.iter_mut().enumerate() {
            *value = sequence.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self))?;
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_too_little_is_refused() {
        let mut values = Fixed::<f32, 40>::default();
        values[39] = 0.1;
        let bytes = postcard::to_stdvec(&values).unwrap();
        assert_eq!(bytes.len(), 160);
        assert_eq!(postcard::from_bytes::<Fixed<f32, 40>>(&bytes), Ok(values));
        assert!(postcard::from_bytes::<Fixed<f32, 40>>(&bytes[..159]).is_err());
    }
}
