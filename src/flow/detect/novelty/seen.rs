//! The values that were seen, thinned out to a bounded number, and how far a new one is from the nearest.

use serde::{Deserialize, Serialize};

/// Sorted values, at most as many as it was made for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    members: Vec<f32>,
    /// A value nearer than this to a member says nothing new.
    gap: f32,
    limit: u16,
}

impl Seen {
    /// Room for `limit` values, taken as they come.
    pub fn with_limit(limit: u16) -> Seen {
        Seen { members: Vec::new(), gap: 0.0, limit }
    }

    /// The distance to the nearest member; 0 while there are fewer than two.
    pub fn distance(&self, value: f32) -> f32 {
        if self.members.len() < 2 {
            return 0.0;
        }
        let above = self.members.partition_point(|member| *member < value);
        let left = above.checked_sub(1).map_or(f32::INFINITY, |below| value - self.members[below]);
        let right = self.members.get(above).map_or(f32::INFINITY, |member| member - value);
        left.min(right)
    }

    /// Keeps a value that is `distance` from the nearest member, if it is new enough. Where that is one too many, of two
    /// neighbours that are nearest to each other the greater goes, and from now on nothing as near is kept.
    ///
    /// ```text
    /// |   | | |      |    least and greatest stay
    ///     ^ ^ nearest: the right one goes, gap becomes their distance
    /// ```
    pub fn learn(&mut self, value: f32, distance: f32) {
        let is_new =
            if self.members.len() < 2 { !self.members.contains(&value) } else { distance > self.gap };
        if !is_new {
            return;
        }
        if self.members.len() == self.members.capacity() {
            // Grows by halves up to its limit: what doubles would take more than is counted on.
            let room = (self.members.len() / 2).max(4).min(usize::from(self.limit) + 1 - self.members.len());
            self.members.reserve_exact(room);
        }
        let above = self.members.partition_point(|member| *member < value);
        self.members.insert(above, value);
        if self.members.len() > usize::from(self.limit) {
            self.thin();
        }
    }

    fn thin(&mut self) {
        let mut nearest = (1, f32::INFINITY);
        for at in 1..self.members.len() - 1 {
            let distance = self.members[at] - self.members[at - 1];
            if distance < nearest.1 {
                nearest = (at, distance);
            }
        }
        self.members.remove(nearest.0);
        self.gap = self.gap.max(nearest.1);
    }

    /// Bytes beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.members.capacity() * size_of::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(limit: u16, values: &[f32]) -> Seen {
        let mut seen = Seen::with_limit(limit);
        for &value in values {
            seen.learn(value, seen.distance(value));
        }
        seen
    }

    #[test]
    fn the_distance_is_to_the_nearest_member_and_nothing_while_there_is_one() {
        assert_eq!(fed(4, &[5.0, 5.0]).distance(9.0), 0.0);
        let seen = fed(4, &[5.0, 1.0]);
        assert_eq!([0.0, 1.0, 2.0, 4.0, 7.0].map(|value| seen.distance(value)), [1.0, 0.0, 1.0, 1.0, 2.0]);
    }

    #[test]
    fn of_too_many_the_nearest_to_its_predecessor_goes_and_nothing_as_near_comes_again() {
        let seen = fed(4, &[0.0, 10.0, 20.0, 30.0, 11.0]);
        assert_eq!(seen.members, [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(seen.gap, 1.0);
        assert_eq!(fed(4, &[0.0, 10.0, 20.0, 30.0, 11.0, 20.5]).members, [0.0, 10.0, 20.0, 30.0]);
    }

    #[test]
    fn the_ends_stay_and_the_room_is_bounded() {
        let values: Vec<f32> = (0..10_000).map(|at| (at * 7919 % 10_007) as f32).collect();
        let seen = fed(64, &values);
        let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
        // An end within the gap of another member was nothing new.
        let (first, last) = (seen.members[0], seen.members[seen.members.len() - 1]);
        assert!(first - low <= seen.gap && high - last <= seen.gap, "{first} to {last}, gap {}", seen.gap);
        assert!(seen.members.len() <= 64 && seen.members.capacity() <= 65, "{}", seen.members.capacity());
        assert!(seen.members.is_sorted());
    }
}
