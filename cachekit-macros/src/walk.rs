//! Questions about a piece of syntax, asked at each of its nodes.
//!
//! `syn::visit` is generic over the visitor, and each visitor is two thousand functions more for every user to build. So there is one, and what is asked
//! stands behind a trait object.

use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, FieldValue, Item, Lifetime, ParenthesizedGenericArguments, PatIdent, PathSegment, Signature, Type,
};

pub(crate) enum Node<'ast> {
    Expr(&'ast Expr),
    Field(&'ast FieldValue),
    /// A name that a pattern binds.
    Binding(&'ast PatIdent),
    Type(&'ast Type),
    Lifetime(&'ast Lifetime),
    Segment(&'ast PathSegment),
    /// The `(A) -> B` of `Fn(A) -> B`.
    Parenthesized,
}

/// Answers whether what is inside of the node is asked about too.
type Ask<'a, 'ast> = dyn FnMut(Node<'ast>) -> bool + 'a;

struct Walk<'a, 'ast>(&'a mut Ask<'a, 'ast>);

pub(crate) fn expr<'ast>(expr: &'ast Expr, ask: &mut Ask<'_, 'ast>) {
    Walk(&mut |node| ask(node)).visit_expr(expr);
}

pub(crate) fn pattern<'ast>(pattern: &'ast syn::Pat, ask: &mut Ask<'_, 'ast>) {
    Walk(&mut |node| ask(node)).visit_pat(pattern);
}

pub(crate) fn ty<'ast>(ty: &'ast Type, ask: &mut Ask<'_, 'ast>) {
    Walk(&mut |node| ask(node)).visit_type(ty);
}

pub(crate) fn signature<'ast>(signature: &'ast Signature, ask: &mut Ask<'_, 'ast>) {
    Walk(&mut |node| ask(node)).visit_signature(signature);
}

impl<'ast> Visit<'ast> for Walk<'_, 'ast> {
    /// What is declared within an expression sees nothing of what is around it.
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_expr(&mut self, expr: &'ast Expr) {
        if (self.0)(Node::Expr(expr)) {
            visit::visit_expr(self, expr);
        }
    }

    fn visit_field_value(&mut self, field: &'ast FieldValue) {
        if (self.0)(Node::Field(field)) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
        if (self.0)(Node::Binding(pat)) {
            visit::visit_pat_ident(self, pat);
        }
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        if (self.0)(Node::Type(ty)) {
            visit::visit_type(self, ty);
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        (self.0)(Node::Lifetime(lifetime));
    }

    fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
        if (self.0)(Node::Segment(segment)) {
            visit::visit_path_segment(self, segment);
        }
    }

    fn visit_parenthesized_generic_arguments(&mut self, arguments: &'ast ParenthesizedGenericArguments) {
        if (self.0)(Node::Parenthesized) {
            visit::visit_parenthesized_generic_arguments(self, arguments);
        }
    }
}
