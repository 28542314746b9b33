//! The entities a task knows, by name and by number.

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// The number of an entity within its task; given again once the entity is forgotten.
pub type EntityId = u32;

/// Names and numbers of entities. Nothing is ever iterated in the order of the hash, which differs from run to run so
/// that nobody can choose names that collide.
#[derive(Debug)]
pub struct Entities {
    by_name: HashTable<EntityId>,
    names: Vec<Box<str>>,
    free: Vec<EntityId>,
    hasher: RandomState,
    limit: usize,
}

impl Entities {
    /// Room for `limit` entities at a time.
    pub fn with_limit(limit: usize) -> Entities {
        Entities {
            by_name: HashTable::new(),
            names: Vec::new(),
            free: Vec::new(),
            hasher: RandomState::default(),
            limit,
        }
    }

    /// The number of an entity that is known.
    pub fn find(&self, name: &str) -> Option<EntityId> {
        let hash = self.hasher.hash_one(name);
        self.by_name.find(hash, |&id| &*self.names[id as usize] == name).copied()
    }

    /// The number of an entity, known from now on; `None` where there is no room for another.
    pub fn find_or_add(&mut self, name: &str) -> Option<EntityId> {
        let hash = self.hasher.hash_one(name);
        if let Some(id) = self.by_name.find(hash, |&id| &*self.names[id as usize] == name) {
            return Some(*id);
        }
        if self.by_name.len() >= self.limit {
            return None;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.names.push(Box::default());
            (self.names.len() - 1) as EntityId
        });
        self.names[id as usize] = name.into();
        let (names, hasher) = (&self.names, &self.hasher);
        self.by_name.insert_unique(hash, id, |&other| hasher.hash_one(&*names[other as usize]));
        Some(id)
    }

    /// The name of a known entity.
    pub fn name(&self, id: EntityId) -> &str {
        &self.names[id as usize]
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Forgets an entity; its number will be another's.
    pub fn forget(&mut self, id: EntityId) {
        let hash = self.hasher.hash_one(&*self.names[id as usize]);
        // Forgotten twice, the second finds nothing: the number is in `free` already.
        if let Ok(entry) = self.by_name.find_entry(hash, |&other| other == id) {
            entry.remove();
            self.names[id as usize] = Box::default();
            self.free.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_entity_makes_room_for_another() {
        let mut entities = Entities::with_limit(2);
        let (a, b) = (entities.find_or_add("a"), entities.find_or_add("b"));
        assert_eq!((entities.find_or_add("a"), entities.find_or_add("b")), (a, b));
        assert_eq!(entities.find_or_add("c"), None);
        entities.forget(a.unwrap());
        assert_eq!(entities.find("a"), None);
        let c = entities.find_or_add("c").unwrap();
        assert_eq!((entities.name(c), entities.len()), ("c", 2));
    }
}
